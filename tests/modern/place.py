"""Where the roots of other Debians lie, and whether one is whole."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files
from pkgafdo.errors import ConfigError, HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KIND: Final = "pkgafdo test root, format 1"
_ROOTS: Final = Path("/var/cache/pkgafdo/roots")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The folder of one system: the root itself, the logs, and the record that the root is whole.

    llvm is the version to install; None: the newest that the suite has.
    """

    suite: str
    folder: Path
    llvm: int | None = None

    @property
    def name(self) -> str:
        """What tells this system from the others."""
        return self.folder.name

    @property
    def root(self) -> Path:
        """The root of the other system."""
        return self.folder / "root"

    @property
    def logs(self) -> Path:
        """The output of the steps."""
        return self.folder / "logs"

    @property
    def record(self) -> Path:
        """Written when the root is whole, removed while it is changed."""
        return self.folder / "made.json"


def roots_folder(environ: Mapping[str, str]) -> Path:
    """Return where roots are kept: in the user's cache where one is configured, else in root's."""
    cache = Path(environ.get("XDG_CACHE_HOME", ""))
    return cache / "pkgafdo/roots" if cache.is_absolute() else _ROOTS


def place_of(suite: str, roots: Path, llvm: int | None = None) -> Place:
    """Return the place of a suite. Raises ConfigError when a foreign folder is there."""
    name = suite if llvm is None else f"{suite}-llvm{llvm}"
    place = Place(suite=suite, folder=roots / name, llvm=llvm)
    files.require_ours(place.folder, KIND)
    return place


def read_record(place: Place) -> dict[str, Any] | None:
    """Return when and from where the root was made; None when it is absent or was left half-made."""
    try:
        record = files.read_json(place.record)
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) and "made" in record else None


def mounts_below(mountinfo: str, folder: Path) -> tuple[str, ...]:
    """Return the mount points below a folder, from /proc/self/mountinfo (proc(5)); pure."""
    points = (line.split()[4] for line in mountinfo.splitlines())
    return tuple(point for point in points if Path(point).is_relative_to(folder))


def require_unmounted(place: Place, mountinfo: str) -> None:
    """Raise HostError when something is mounted below the place: it would be deleted with it."""
    if found := mounts_below(mountinfo, place.folder):
        raise HostError(
            f"{place.folder} has mounts below it, so it is not deleted",
            details="\n".join(found),
            hint=f"`umount --recursive {found[0]}`.",
        )


@contextmanager
def held(place: Place) -> Iterator[None]:
    """Hold a place alone. Raises ConfigError when another run is in it."""
    place.folder.parent.mkdir(parents=True, exist_ok=True)
    lock = place.folder.parent / f"{place.name}.lock"
    with lock.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"another run is at work in {place.folder}",
                hint="Wait for it, or choose another suite.",
            ) from error
        yield
