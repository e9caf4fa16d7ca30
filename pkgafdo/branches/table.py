"""The table of branch records: every recorder produces it, every optimiser consumes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pkgafdo.branches.columns import column, is_sorted_unique, sum_repeats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pkgafdo.branches.columns import Column
    from pkgafdo.branches.meta import TableMeta


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class BranchTable:
    """How often each branch was taken and each fall-through range was executed.

    All columns are uint64; the branches are sorted by (from, to), the ranges by (start, end), each
    pair once. A range goes from the target of a taken branch to the *address of the last
    instruction* before the next one, inclusive.
    """

    branch_from: Column
    branch_to: Column
    branch_count: Column
    branch_mispredicted: Column
    range_start: Column
    range_end: Column
    range_count: Column
    meta: TableMeta

    def __post_init__(self) -> None:
        if len({len(part) for part in self.branch_columns}) != 1:
            raise ValueError("the branch columns differ in length")
        if len({len(part) for part in self.range_columns}) != 1:
            raise ValueError("the range columns differ in length")
        if any(part.dtype != np.uint64 for part in (*self.branch_columns, *self.range_columns)):
            raise ValueError("a column is not of unsigned 64-bit numbers")
        if not is_sorted_unique(self.branch_from, self.branch_to):
            raise ValueError("the branches are not sorted and unique")
        if not is_sorted_unique(self.range_start, self.range_end):
            raise ValueError("the ranges are not sorted and unique")

    @property
    def branch_columns(self) -> tuple[Column, Column, Column, Column]:
        """The four columns of the branches: from, to, count, mispredicted."""
        return self.branch_from, self.branch_to, self.branch_count, self.branch_mispredicted

    @property
    def range_columns(self) -> tuple[Column, Column, Column]:
        """The three columns of the ranges: start, end, count."""
        return self.range_start, self.range_end, self.range_count

    @property
    def branches(self) -> int:
        """How many branches were counted in all."""
        return int(self.branch_count.sum())

    @property
    def mispredicted(self) -> int:
        """How many of the branches were mispredicted."""
        return int(self.branch_mispredicted.sum())

    @property
    def ranges(self) -> int:
        """How many ranges were counted in all."""
        return int(self.range_count.sum())

    @property
    def distinct_branches(self) -> int:
        """How many different (from, to) pairs there are."""
        return len(self.branch_from)

    @property
    def distinct_ranges(self) -> int:
        """How many different (start, end) pairs there are."""
        return len(self.range_start)


def from_counts(
    branches: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike],
    ranges: tuple[ArrayLike, ArrayLike, ArrayLike],
    meta: TableMeta,
) -> BranchTable:
    """Make a table of (from, to, count, mispredicted) and (start, end, count) in any order.

    Repeated pairs are summed. Raises ArtifactError when the totals are absurd.
    """
    source, target, taken, missed = (column(part) for part in branches)
    start, end, passed = (column(part) for part in ranges)
    source, target, (taken, missed) = sum_repeats(source, target, (taken, missed))
    start, end, (passed,) = sum_repeats(start, end, (passed,))
    return BranchTable(
        branch_from=column(source),
        branch_to=column(target),
        branch_count=column(taken),
        branch_mispredicted=column(missed),
        range_start=column(start),
        range_end=column(end),
        range_count=column(passed),
        meta=meta,
    )
