"""Whether the firmware boots kernels that nobody signed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pkgafdo.host import efivars

if TYPE_CHECKING:
    from pathlib import Path


class SecureBoot(StrEnum):
    """How the firmware treats a kernel without a signature."""

    OFF = "off"
    SHIM_OFF = "on, but shim verifies nothing"
    SIGNING = "on, and sbctl signs here"
    ON = "on"

    @property
    def refuses(self) -> bool:
        """Whether a kernel that was just built would not boot."""
        return self is SecureBoot.ON


_SBCTL_KEYS: Final = ("var/lib/sbctl/keys", "usr/share/secureboot/keys")
"""Where sbctl keeps its keys: since 0.15, and before."""

REMEDY: Final = (
    "Turn Secure Boot off in the firmware's setup; or make keys with sbctl (Arch: sbctl, Debian: "
    "sbctl) and sign the kernel after it is installed; or record in the VM (record.road=vm)."
)


def read_secure_boot(filesystem: Path) -> SecureBoot:
    """Read the state of Secure Boot; a machine without EFI has none."""
    if efivars.read_number(filesystem, "SecureBoot", efivars.GLOBAL) != 1:
        return SecureBoot.OFF
    if efivars.read_number(filesystem, "MokSBStateRT", efivars.SHIM) == 1:
        return SecureBoot.SHIM_OFF
    if any(_holds_a_key(filesystem / place) for place in _SBCTL_KEYS):
        return SecureBoot.SIGNING
    return SecureBoot.ON


def _holds_a_key(folder: Path) -> bool:
    """Tell whether sbctl has keys; the folder of the keys themselves is root's alone."""
    try:
        return any(folder.iterdir())
    except PermissionError:
        return True
    except OSError:
        return False
