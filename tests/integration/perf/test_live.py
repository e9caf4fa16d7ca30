"""Counting a stream of any length in the memory of a short one."""

from __future__ import annotations

import os
import resource
import threading

import pytest

from pkgafdo.perf.live import read_live
from pkgafdo.perf.perfdata.warm import warm_up
from tests.fakes import perf_files as pf
from tests.fakes.perf_program import EVENT, stacks

pytestmark = pytest.mark.real

HEAD = pf.perf_pipe([EVENT], [pf.kernel_mmap(), pf.comm()])
SAMPLES = b"".join(stacks(4000, depth=32))


class Course:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.begun = 0
        self.size = 0
        self.samples: list[int] = []

    def begin(self) -> None:
        self.begun += 1

    def take(self, piece: memoryview) -> None:
        self.size += len(piece)

    def counted(self, samples: int) -> None:
        self.samples.append(samples)


def stream(times: int):
    """Return a pipe that gets the samples so many times."""
    readable, writable = os.pipe()

    def write() -> None:
        with os.fdopen(writable, "wb") as output:
            output.write(HEAD)
            for _ in range(times):
                output.write(SAMPLES)

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(readable, "rb")


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def count(times: int) -> Course:
    course = Course()
    with stream(times) as pipe:
        counted = read_live(pipe, course)
    assert counted is not None
    assert counted.table.meta.samples == 4000 * times
    assert counted.size == course.size == len(HEAD) + times * len(SAMPLES)
    return course


def test_a_long_stream_needs_no_more_memory_than_a_short_one() -> None:
    warm_up()
    count(2)
    before = megabytes()
    course = count(120)
    assert course.size > 380e6
    assert megabytes() - before < 32
    assert course.begun == 1
    assert len(course.samples) > 100
    assert course.samples == sorted(course.samples)
    assert course.samples[-1] == 480_000


def test_nothing_at_all_is_told_apart_from_a_recording_without_samples() -> None:
    readable, writable = os.pipe()
    os.close(writable)
    course = Course()
    with os.fdopen(readable, "rb") as pipe:
        assert read_live(pipe, course) is None
    assert course.begun == 0
