"""Counting a recording while perf writes it: constant memory, nothing on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.counter import Counter
from pkgafdo.perf.perfdata.formats import PIPE_HEADER_SIZE
from pkgafdo.perf.perfdata.header import is_pipe
from pkgafdo.perf.perfdata.session import Session
from pkgafdo.perf.perfdata.source import pump
from pkgafdo.perf.perfdata.table import table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import TextBounds
    from pkgafdo.perf.perfdata.mappings import KernelMapping


class Listener(Protocol):
    """Who wants to know of a recording in progress."""

    def begin(self) -> None:
        """Learn that perf has begun to record."""

    def take(self, piece: memoryview) -> None:
        """Take a piece that has come."""

    def counted(self, samples: int) -> None:
        """Learn how many samples have been counted."""


@dataclass(slots=True)
class Tap:
    """A stream that tells a listener what is read from it."""

    stream: BinaryIO
    listener: Listener
    size: int = 0

    def read(self, size: int) -> bytes:
        """Read exactly so many bytes, fewer at the end."""
        content = self.stream.read(size)
        self._tell(memoryview(content))
        return content

    def readinto(self, room: memoryview) -> int:
        """Read what has come, at most as much as there is room for; 0 at the end."""
        count: int = self.stream.readinto1(room)  # type: ignore[attr-defined]
        self._tell(room[:count])
        return count

    def _tell(self, piece: memoryview) -> None:
        if not piece:
            return
        if not self.size:
            self.listener.begin()
        self.size += len(piece)
        self.listener.take(piece)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What came through a pipe: the table, how many bytes, and what was wrong at its end, if anything."""

    table: BranchTable
    size: int
    damage: str = ""


def read_live(
    stream: BinaryIO,
    listener: Listener,
    *,
    text: TextBounds | None = None,
    kernel: KernelMapping | None = None,
) -> Counted | None:
    """Count the branch stacks of a stream until it ends; None when nothing at all came through it.

    kernel says where the running kernel lies, for recordings that do not. A stream that breaks off
    counts as far as it goes. Raises ArtifactError when it holds no branch stacks, or no samples.
    """
    session = Session(Counter(filters=True))
    if kernel is not None:
        session.counter.set_base(kernel.address)
    tap = Tap(stream, listener)
    start = tap.read(PIPE_HEADER_SIZE)
    if not start:
        return None
    if not is_pipe(start):
        raise ArtifactError(
            "perf wrote a file into the pipe", hint="Is the `perf` on PATH the one of this system?"
        )
    damage = _pump(tap, session, listener.counted)
    if not any(attr.has_branches for attr in session.known.attrs):
        raise ArtifactError(
            "perf recorded no branch stacks", hint="The event must be recorded with -b."
        )
    if session.known.kernel is None:
        session.known.kernel = kernel
    table = table_of(session, text=text, filters=True)
    return Counted(table=table, size=tap.size, damage=damage)


def _pump(tap: Tap, session: Session, watch: Callable[[int], None]) -> str:
    """Read to the end; returns what is wrong with it."""
    try:
        pump(tap, session, size=None, watch=watch)  # type: ignore[arg-type]
        session.finish()
    except ArtifactError as error:
        if not session.counter.samples:
            raise
        return error.details or error.message
    return ""
