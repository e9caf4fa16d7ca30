"""Whether the disk is large enough for what is about to be made."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.host.mounts import disk_of

if TYPE_CHECKING:
    from collections.abc import Iterable

GIB = 1 << 30
OTHER_DISK: Final = "Make room there, or choose a folder on another disk (--workdir)."


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What will lie in a folder, and how many bytes that takes.

    begun: what lies there already is a part of it. Work that was interrupted late must be able to
    go on.
    """

    path: Path
    size: int
    what: str
    begun: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """One file system against the needs that fall on it; held is what is there of them already."""

    needs: tuple[Need, ...]
    free: int
    held: int

    @property
    def needed(self) -> int:
        """Bytes that all needs take."""
        return sum(need.size for need in self.needs)

    @property
    def suffices(self) -> bool:
        """Whether they fit."""
        return self.free + self.held >= self.needed

    @property
    def places(self) -> str:
        """The folders, in words."""
        return ", ".join(dict.fromkeys(str(need.path) for need in self.needs))


def _existing(path: Path) -> Path:
    """Return the folder itself, or the nearest above it that is there."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    return place


def free_disk(path: Path) -> int:
    """Return the bytes that are free where a folder is, or will be made."""
    return shutil.disk_usage(_existing(path)).free


def held_disk(path: Path) -> int:
    """Return the bytes that the files below a folder take on the disk; 0 when there is none."""
    held = 0
    for folder, _, names in os.walk(path):
        for name in names:
            held += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118  50 000 files
    return held


def find_rooms(
    needs: Iterable[Need], *, mountinfo: Path = Path("/proc/self/mountinfo")
) -> tuple[Room, ...]:
    """Return the disks that needs fall on, each with all that falls on it."""
    mounts = mountinfo.read_text(encoding="utf-8") if mountinfo.is_file() else ""
    systems: dict[str | int, list[Need]] = {}
    for need in needs:
        place = _existing(need.path)
        systems.setdefault(disk_of(mounts, str(place)) or place.stat().st_dev, []).append(need)
    return tuple(
        Room(
            needs=tuple(together),
            free=free_disk(together[0].path),
            held=sum(map(held_disk, {need.path for need in together if need.begun})),
        )
        for together in systems.values()
    )


def require_room(needs: Iterable[Need], *, purpose: str, hint: str = OTHER_DISK) -> None:
    """Raise HostError when a file system is too small for what a purpose needs of it."""
    for room in find_rooms(needs):
        if not room.suffices:
            raise HostError(
                f"the disk is too small for {purpose}: "
                f"{_gib(room.needed)} needed, {_gib(room.free)} free",
                details=f"That is the file system of {room.places}: "
                + ", ".join(f"{_gib(need.size)} for {need.what}" for need in room.needs)
                + ".",
                hint=hint,
            )


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
