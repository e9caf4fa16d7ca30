"""The work folder of a run: marked as ours, locked while a run is in it."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ConfigError
from pkgafdo.pipeline.journal import Journal
from pkgafdo.runner import sessions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND: Final = "pkgafdo work folder, format 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workdir:
    """Where a run keeps everything: journal, logs, packages, roots, recordings, profiles."""

    path: Path

    @property
    def logs(self) -> Path:
        """The folder of the programs' output, one file per stage."""
        return self.path / "logs"

    @property
    def running(self) -> Path:
        """The folder that names the commands in progress."""
        return self.path / "running"

    @property
    def journal(self) -> Journal:
        """The journal of this run."""
        return Journal(folder=self.path / "journal", base=self.path)


def require_workdir(path: Path) -> Workdir:
    """Return an existing work folder, to look into. Raises ConfigError when it is none."""
    if not path.is_dir() or not (path / files.MARK).is_file():
        raise ConfigError(
            f"there is no run in {path}",
            hint="Start one with `pkgafdo run`, or name the folder of an earlier one with -w.",
        )
    return look_into(path)


def look_into(path: Path) -> Workdir:
    """Return a work folder to plan for, which need not exist yet; changes nothing on disk.

    Raises ConfigError when the folder is somebody else's.
    """
    files.require_ours(path, KIND)
    return Workdir(path=path)


@contextmanager
def locked(path: Path) -> Iterator[Workdir]:
    """Create or reopen a work folder and hold it alone; end what a killed run left working in it.

    Raises ConfigError when the folder is not ours or another run is in it.
    """
    files.mark_folder(path, KIND)
    workdir = Workdir(path=path)
    with (path / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise ConfigError(
                f"another run is at work in {path}",
                details=f"Its process id is {lock.read().strip() or 'unknown'}.",
                hint="Wait for it, end it, or choose another --workdir.",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        for command in sessions.end_orphans(workdir.running):
            log.note(f"ended what an interrupted run had left working: {command[:80]}")
        yield workdir
