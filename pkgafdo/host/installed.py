"""What boots and what is installed: the boot's identity, a kernel's package, whether it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def boot_identity(filesystem: Path) -> str:
    """Return what tells this boot from all others (random(4)), whatever the clock says."""
    path = filesystem / "proc/sys/kernel/random/boot_id"
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def pkgbase_of(filesystem: Path, release: str) -> str:
    """Return the pkgbase that Arch's kernel packages write beside their modules; empty without."""
    path = modules_folder(filesystem, release) / "pkgbase"
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def modules_folder(filesystem: Path, release: str) -> Path:
    """Return the folder of a kernel's modules."""
    return filesystem / "usr/lib/modules" / release


def is_installed(filesystem: Path, release: str) -> bool:
    """Tell whether a kernel's image or modules are in this system."""
    folder = modules_folder(filesystem, release)
    boot = filesystem / "boot" / f"vmlinuz-{release}"
    return (folder / "vmlinuz").is_file() or (folder / "modules.dep").is_file() or boot.is_file()
