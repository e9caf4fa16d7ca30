"""Reading the firmware's variables, as Linux shows them in efivarfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "sys/firmware/efi/efivars"
GLOBAL: Final = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""Vendor of the UEFI specification's own variables."""
LOADER: Final = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
"""Vendor of the Boot Loader Interface (systemd.io/BOOT_LOADER_INTERFACE)."""
SHIM: Final = "605dab50-e046-4300-abb6-3dd810dd8b23"
"""Vendor of shim's variables."""
_ATTRIBUTES: Final = 4
"""Each file begins with the variable's attributes (Documentation/filesystems/efivarfs.rst)."""


def is_efi(filesystem: Path) -> bool:
    """Tell whether this machine was started by EFI firmware."""
    return (filesystem / "sys/firmware/efi").is_dir()


def read_variable(filesystem: Path, name: str, vendor: str) -> bytes | None:
    """Return the content of a variable; None when it is absent or cannot be read."""
    try:
        return (filesystem / FOLDER / f"{name}-{vendor}").read_bytes()[_ATTRIBUTES:]
    except OSError:
        return None


def read_text(filesystem: Path, name: str, vendor: str) -> str:
    """Return a variable of text (UTF-16, ended by a zero); empty when it is absent."""
    raw = read_variable(filesystem, name, vendor) or b""
    return raw.decode("utf-16-le", "replace").partition("\0")[0]


def read_texts(filesystem: Path, name: str, vendor: str) -> tuple[str, ...]:
    """Return a variable of several texts, each ended by a zero."""
    raw = read_variable(filesystem, name, vendor) or b""
    return tuple(text for text in raw.decode("utf-16-le", "replace").split("\0") if text)


def read_number(filesystem: Path, name: str, vendor: str) -> int | None:
    """Return a variable that is a little-endian number; None when it is absent."""
    raw = read_variable(filesystem, name, vendor)
    return int.from_bytes(raw, "little") if raw else None
