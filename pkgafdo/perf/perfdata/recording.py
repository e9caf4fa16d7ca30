"""Reading a recording of perf into a branch table."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pkgafdo import log
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.counter import Counter
from pkgafdo.perf.perfdata.features import NEEDED
from pkgafdo.perf.perfdata.formats import PIPE_HEADER_SIZE
from pkgafdo.perf.perfdata.header import is_pipe, read_header, read_part
from pkgafdo.perf.perfdata.session import Session
from pkgafdo.perf.perfdata.source import pump
from pkgafdo.perf.perfdata.table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import TextBounds


def read_recording(
    source: Path | BinaryIO,
    *,
    text: TextBounds | None = None,
    filters: bool = True,
    start: bytes = b"",
) -> BranchTable:
    """Count the branch stacks of a perf.data file, or of a stream that perf writes (`-o -`).

    text says where the kernel's code is linked: with it, addresses are moved to where the kernel
    would be without KASLR. With filters, what is no possible branch of the kernel or its modules is
    left out and counted by reason; without, everything is counted that the file holds. start is
    what was read of a stream already: its first 16 bytes, or nothing.

    Raises ArtifactError for anything that is not a whole recording with branch stacks.
    """
    with _opened(source) as stream:
        session = Session(Counter(filters=filters))
        _read(stream, session, start or stream.read(PIPE_HEADER_SIZE))
        session.finish()
        if session.known.kernel is None and text is not None:
            log.warn("The recording does not say where the kernel lay; KASLR is not undone")
        return table_of(session, text=text, filters=filters)


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        yield source
        return
    if source.is_dir():
        raise ArtifactError(
            f"{source} is a folder",
            hint="Recordings of `perf record --threads` are folders; record without --threads.",
        )
    try:
        with source.open("rb", buffering=0) as stream:
            yield stream
    except OSError as error:
        raise ArtifactError(
            f"{source} cannot be read: {error.strerror or error}",
            hint="Check the path and its permissions.",
        ) from error


def _read(stream: BinaryIO, session: Session, start: bytes) -> None:
    if is_pipe(start):
        pump(stream, session, size=None)
    elif stream.seekable():
        _read_file(stream, session)
    else:
        raise ArtifactError(
            "The recording is a file, and comes through a pipe",
            hint="Name the file instead, or record with `perf record -o -`.",
        )
    if not any(attr.has_branches for attr in session.known.attrs):
        raise ArtifactError(
            "The recording has no branch stacks",
            details=f"Events: {len(session.known.attrs)}, none of them with a branch stack.",
            hint="Record with `perf record -b`.",
        )


def _read_file(stream: BinaryIO, session: Session) -> None:
    size = stream.seek(0, 2)
    header = read_header(stream, size)
    for number in NEEDED:
        if number in header.features:
            content = read_part(stream, header.features[number], size)
            session.known.facts.add_feature(number, content)
    session.add_events(header.attrs)
    session.offset = stream.seek(header.data.offset)
    pump(stream, session, size=header.data.size)
