"""Whether the disk is large enough for what is about to be made."""

from __future__ import annotations

import os
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


def held_disk(path: Path) -> int:
    """Return the bytes that the files below a folder take on the disk; 0 when there is none."""
    held = 0
    for folder, _, names in os.walk(path):
        for name in names:
            held += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118  50 000 files
    return held


def require_disk(path: Path, needed: int, *, purpose: str) -> None:
    """Raise HostError when a folder cannot come to hold `needed` bytes for a purpose.

    What it holds already counts: work that was interrupted late must be able to go on.
    """
    free = free_disk(path)
    if free + held_disk(path) < needed:
        raise HostError(
            f"the disk is too small for {purpose}: {_gib(needed)} needed, {_gib(free)} free",
            details=f"That is the file system of {path}.",
            hint="Make room there, or choose a folder on another disk (--workdir).",
        )


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
