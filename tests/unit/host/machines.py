"""Folders that stand for machines: firmware variables, boot loaders, mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.host import efivars

if TYPE_CHECKING:
    from pathlib import Path

ONE_SHOT = 1 << 3
MOUNTS = """\
24 1 259:2 / / rw,relatime shared:1 - {root} /dev/nvme0n1p2 rw
30 24 259:1 / /boot rw,relatime shared:2 - {boot} {source} rw
"""


def write(folder: Path, name: str, text: str = "") -> Path:
    """Write a text file of a machine."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def variable(root: Path, name: str, vendor: str, content: bytes) -> None:
    """Write a firmware variable as efivarfs shows it: its attributes, then its content."""
    path = root / efivars.FOLDER / f"{name}-{vendor}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x06\0\0\0" + content)


def announce(root: Path, name: str, *, features: int | None = None) -> None:
    """Let a boot loader have told the firmware its name and what it can do."""
    variable(root, "LoaderInfo", efivars.LOADER, (name + "\0").encode("utf-16-le"))
    if features is not None:
        variable(root, "LoaderFeatures", efivars.LOADER, features.to_bytes(8, "little"))


def secure_boot(root: Path, *, on: bool) -> None:
    """Set the firmware's Secure Boot."""
    variable(root, "SecureBoot", efivars.GLOBAL, bytes([on]))


def grub(
    root: Path, *, default: str = "saved", kind: str = "ext4", source: str = "/dev/sda1"
) -> None:
    """Install GRUB with its configuration, on a file system of a kind."""
    write(root, "boot/grub/grub.cfg", "menuentry 'x' {}\n")
    write(root, "etc/default/grub", f'# GRUB_DEFAULT=3\nGRUB_DEFAULT="{default}"  # here\n')
    write(root, "proc/self/mountinfo", MOUNTS.format(root="ext4", boot=kind, source=source))
