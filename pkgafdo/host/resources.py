"""Whether the disk is large enough for what is about to be made."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pkgafdo.errors import HostError

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30


def free_disk(path: Path) -> int:
    """Return the bytes that are free where a folder is, or will be made."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def require_disk(path: Path, needed: int, *, purpose: str) -> None:
    """Raise HostError when fewer than `needed` bytes are free at a folder for a purpose."""
    free = free_disk(path)
    if free < needed:
        raise HostError(
            f"the disk is too small for {purpose}: {_gib(needed)} needed, {_gib(free)} free",
            details=f"That is the file system of {path}.",
            hint="Make room there, or choose a folder on another disk (--workdir).",
        )


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
