"""Counting on several processors: each thread has tables of its own, added up at the end."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from pkgafdo.perf.perfdata.counter import Counter

if TYPE_CHECKING:
    from types import TracebackType

    from pkgafdo.perf.perfdata.state import Words

Job = Future[None]
_PENDING_PER_THREAD: Final = 4


@dataclass(slots=True)
class CountingPool:
    """Threads that count branch stacks while the next ones are read (the loops hold no lock)."""

    counters: list[Counter]
    executor: ThreadPoolExecutor
    idle: SimpleQueue[Counter] = field(default_factory=SimpleQueue)
    pending: deque[Job] = field(default_factory=deque)

    def __post_init__(self) -> None:
        for counter in self.counters:
            self.idle.put(counter)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)

    def submit(self, words: Words, places: Words) -> Job:
        """Have the branch stacks at these places counted; waits when too much is under way."""
        while len(self.pending) >= _PENDING_PER_THREAD * len(self.counters):
            self.pending.popleft().result()
        job = self.executor.submit(self._count, words, places)
        self.pending.append(job)
        return job

    def finish(self) -> None:
        """Wait until everything is counted; raises what went wrong."""
        while self.pending:
            self.pending.popleft().result()

    def set_base(self, kernel: int) -> None:
        """Say where the kernel runs; nothing must be under way."""
        self.finish()
        for counter in self.counters:
            counter.set_base(kernel)

    def total(self, place: int) -> int:
        """Return the sum of one of the counters' numbers (see state)."""
        return sum(counter[place] for counter in self.counters)

    def columns(self) -> tuple[list[Words], list[Words]]:
        """Return (from, to, count, mispredicted) and (start, end, count), with repeats."""
        self.finish()
        parts = [counter.columns() for counter in self.counters]
        branches = [np.concatenate(p) for p in zip(*(part[0] for part in parts), strict=True)]
        ranges = [np.concatenate(p) for p in zip(*(part[1] for part in parts), strict=True)]
        return branches, ranges

    def _count(self, words: Words, places: Words) -> None:
        counter = self.idle.get()
        try:
            counter.count(words, places)
        finally:
            self.idle.put(counter)


def counting_pool(*, filters: bool, threads: int) -> CountingPool:
    """Make a pool of so many threads."""
    return CountingPool(
        counters=[Counter(filters=filters) for _ in range(threads)],
        executor=ThreadPoolExecutor(max_workers=threads, thread_name_prefix="count"),
    )
