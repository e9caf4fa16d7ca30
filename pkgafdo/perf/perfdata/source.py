"""Reading a recording piece by piece, in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from pkgafdo.perf.perfdata.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.perf.perfdata.session import Session

BUFFER_SIZE: Final = 1 << 20
"""What was just read must still be in the processor's cache when it is counted: with buffers of
4 MiB that a second thread counts, reading takes three times as long."""


def pump(
    stream: BinaryIO,
    session: Session,
    *,
    size: int | None,
    watch: Callable[[int], None] | None = None,
) -> None:
    """Send everything from the stream's position on through the session.

    `size` is the number of bytes that belong to the recording; None means until the stream's end.
    `watch` is told the number of samples so far; then what a slow stream has is counted at once.
    """
    buffer = bytearray(BUFFER_SIZE)
    data = np.frombuffer(buffer, dtype=np.uint8)
    room = memoryview(buffer)
    rest = 0
    while True:
        free = room[rest:]
        if watch is None:
            got = fill(stream, free if size is None else free[:size])
        else:
            got = stream.readinto(free)  # type: ignore[attr-defined]
        if not got:
            break
        if size is not None:
            size -= got
        stop = rest + got
        at = session.scan(data, stop)
        rest = stop - at
        data[:rest] = data[at:stop].copy()
        if watch is not None:
            watch(session.counter.samples)
    if size:
        raise damaged(f"{size} bytes are missing at its end.")
    if rest:
        raise damaged(f"Its last record, at byte {session.offset}, has only {rest} bytes.")


def fill(stream: BinaryIO, room: memoryview) -> int:
    """Read until `room` is full or the stream ends; returns the number of bytes."""
    got = 0
    while got < len(room):
        count = stream.readinto(room[got:])  # type: ignore[attr-defined]
        if not count:
            break
        got += count
    return got
