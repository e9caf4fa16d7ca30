"""Reading a recording piece by piece, in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from pkgafdo.perf.perfdata.damage import damaged

if TYPE_CHECKING:
    from pkgafdo.perf.perfdata.session import Session

BUFFER_SIZE: Final = 1 << 20
"""What was just read must still be in the processor's cache when it is counted: with buffers of
4 MiB that a second thread counts, reading takes three times as long."""


def pump(stream: BinaryIO, session: Session, *, size: int | None) -> None:
    """Send everything from the stream's position on through the session.

    `size` is the number of bytes that belong to the recording; None means until the stream's end.
    """
    data = np.zeros(BUFFER_SIZE, dtype=np.uint8)
    room = memoryview(data)  # type: ignore[arg-type]
    rest = 0
    while True:
        free = room[rest:]
        got = fill(stream, free if size is None else free[:size])
        if not got:
            break
        if size is not None:
            size -= got
        stop = rest + got
        at = session.scan(data, stop)
        rest = stop - at
        data[:rest] = data[at:stop].copy()
    if size:
        raise damaged(f"{size} bytes are missing at its end.")
    if rest:
        raise damaged(f"Its last record has only {rest} bytes.")


def fill(stream: BinaryIO, room: memoryview) -> int:
    """Read until `room` is full or the stream ends; returns the number of bytes."""
    got = 0
    while got < len(room):
        count = stream.readinto(room[got:])  # type: ignore[attr-defined]
        if not count:
            break
        got += count
    return got
