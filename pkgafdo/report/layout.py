"""How hot code lies in a kernel's text: which cache lines and pages execution touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.branches.table import BranchTable

LINE: Final = 64
PAGE: Final = 4096
MOST: Final = 0.99
"""The share of the fetches that makes pages and lines hot."""


def layout_of(table: BranchTable, start: int, end: int) -> dict[str, Any]:
    """Return how execution is spread over the text [start, end), JSON-plain.

    pages has the fetches of each 4 KiB page in address order (a fetch: one 64-byte line entered by a
    straight run of code); touched and hot count lines and pages, hot those that have 99 % of them.
    executed_bytes lie in any executed run, hot_bytes are the fewest with 99 % of the executions.
    """
    executed, hot = executed_bytes(table, start, end)
    lines = line_fetches(table, start, end)
    per_page = PAGE // LINE
    padded = np.zeros(-(-len(lines) // per_page) * per_page, dtype=np.uint64)
    padded[: len(lines)] = lines
    pages = padded.reshape(-1, per_page).sum(axis=1, dtype=np.uint64)
    return {
        "start": f"{start:#x}",
        "text_bytes": end - start,
        "executed_bytes": executed,
        "hot_bytes": hot,
        "fetches": int(lines.sum()),
        "lines_touched": int(np.count_nonzero(lines)),
        "lines_hot": _hot(lines),
        "pages_touched": int(np.count_nonzero(pages)),
        "pages_hot": _hot(pages),
        "pages": [int(count) for count in pages],
    }


def executed_bytes(table: BranchTable, start: int, end: int) -> tuple[int, int]:
    """Return how many bytes of [start, end) were executed, and the fewest with 99 % of executions.

    A run's last instruction counts with its first byte: the table does not tell its length.
    """
    inside = (table.range_start >= start) & (table.range_end < end)
    counts = table.range_count[inside].astype(np.int64)
    edges = np.concatenate((table.range_start[inside], table.range_end[inside] + np.uint64(1)))
    places, at = np.unique(edges, return_inverse=True)
    steps = np.zeros(len(places), dtype=np.int64)
    np.add.at(steps, at, np.concatenate((counts, -counts)))
    times, lengths = np.cumsum(steps)[:-1], np.diff(places).astype(np.int64)
    run = times > 0
    times, lengths = times[run], lengths[run]
    hottest = np.argsort(-times, kind="stable")
    reached = np.cumsum((times * lengths)[hottest])
    if not reached.size:
        return 0, 0
    needed = int(np.searchsorted(reached, MOST * float(reached[-1]))) + 1
    return int(lengths.sum()), int(lengths[hottest][:needed].sum())


def line_fetches(table: BranchTable, start: int, end: int) -> NDArray[np.uint64]:
    """Return how often each 64-byte line of [start, end) was entered by a range of the table."""
    base = start - start % PAGE
    size = -(-(end - base) // LINE)
    inside = (table.range_start >= start) & (table.range_end < end)
    first = ((table.range_start[inside] - np.uint64(base)) // np.uint64(LINE)).astype(np.int64)
    last = ((table.range_end[inside] - np.uint64(base)) // np.uint64(LINE)).astype(np.int64)
    counts = table.range_count[inside].astype(np.int64)
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, first, counts)
    np.subtract.at(steps, last + 1, counts)
    return np.cumsum(steps)[:size].astype(np.uint64)


def _hot(counts: NDArray[np.uint64]) -> int:
    """Return how many of the largest counts have 99 % of the sum."""
    total = counts.sum()
    if not total:
        return 0
    falling = np.sort(counts)[::-1]
    return int(np.searchsorted(np.cumsum(falling), MOST * float(total))) + 1
