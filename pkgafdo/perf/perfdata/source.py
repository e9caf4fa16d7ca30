"""Reading a recording piece by piece, into buffers that are used again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from pkgafdo.perf.perfdata.damage import damaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.pool import Job
    from pkgafdo.perf.perfdata.session import Session

BUFFER_SIZE: Final = 1 << 22


@dataclass(slots=True)
class Buffer:
    """Memory for one piece, and the jobs that still read it."""

    data: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(BUFFER_SIZE, dtype=np.uint8))
    jobs: list[Job] = field(default_factory=list)

    def wait(self) -> None:
        """Wait until nothing reads the buffer any more."""
        for job in self.jobs:
            job.result()
        self.jobs.clear()


def pump(stream: BinaryIO, session: Session, *, size: int | None, threads: int) -> None:
    """Send everything from the stream's position on through the session.

    `size` is the number of bytes that belong to the recording; None means until the stream's end.
    """
    buffers = [Buffer() for _ in range(threads + 2)]
    tail: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
    turn = 0
    while True:
        buffer = buffers[turn % len(buffers)]
        turn += 1
        buffer.wait()
        buffer.data[: len(tail)] = tail
        room = memoryview(buffer.data)[len(tail) :]  # type: ignore[arg-type]
        got = fill(stream, room if size is None else room[:size])
        if not got:
            break
        if size is not None:
            size -= got
        stop = len(tail) + got
        at = session.scan(buffer.data, stop, buffer.jobs)
        tail = buffer.data[at:stop]
    if size:
        raise damaged(f"{size} bytes are missing at its end.")
    if len(tail):
        raise damaged(f"Its last record has only {len(tail)} bytes.")


def fill(stream: BinaryIO, room: memoryview) -> int:
    """Read until `room` is full or the stream ends; returns the number of bytes."""
    got = 0
    while got < len(room):
        count = stream.readinto(room[got:])  # type: ignore[attr-defined]
        if not count:
            break
        got += count
    return got
