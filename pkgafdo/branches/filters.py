"""Filters over branch tables: pure functions that say in the metadata what they left out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.branches.columns import column
from pkgafdo.branches.meta import DropReason, add_dropped
from pkgafdo.branches.table import BranchTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pkgafdo.branches.columns import Column
    from pkgafdo.branches.meta import ModuleMapping
    from pkgafdo.symtab import SymbolTable

LONGEST_RANGE: Final = 1 << 20
"""A range that is longer (bytes) is a broken record: no function is (google/autofdo issue 256)."""
PREFIXES: Final = ("__cfi_", "__pfx_")
"""What names the bytes before a function that its callers enter it by and that fall into it.

FineIBT's check and call depth tracking's counter (the kernel's arch/x86/kernel/alternative.c).
"""
Interval = tuple[int, int]
"""Addresses from the first, inclusive, to the second, exclusive."""


def select(
    table: BranchTable, branches: NDArray[np.bool_], ranges: NDArray[np.bool_], reason: DropReason
) -> BranchTable:
    """Keep the rows that the masks mark; count what they stood for as dropped for `reason`."""
    gone = int(table.branch_count[~branches].sum()) + int(table.range_count[~ranges].sum())
    kept = [column(part[branches]) for part in table.branch_columns]
    passed = [column(part[ranges]) for part in table.range_columns]
    return BranchTable(
        branch_from=kept[0],
        branch_to=kept[1],
        branch_count=kept[2],
        branch_mispredicted=kept[3],
        range_start=passed[0],
        range_end=passed[1],
        range_count=passed[2],
        meta=replace(table.meta, dropped=add_dropped(table.meta.dropped, {reason: gone})),
    )


def keep_inside(
    table: BranchTable,
    intervals: Sequence[Interval],
    *,
    reason: DropReason = DropReason.OUTSIDE_TEXT,
) -> BranchTable:
    """Keep branches with an end in the intervals, and ranges that lie wholly in one of them.

    A branch across the border (a module calls the kernel) matters to both sides, so one end is
    enough.
    """
    source = which_interval(table.branch_from, intervals)
    target = which_interval(table.branch_to, intervals)
    start = which_interval(table.range_start, intervals)
    end = which_interval(table.range_end, intervals)
    return select(table, (source >= 0) | (target >= 0), (start >= 0) & (start == end), reason)


def drop_bogus_ranges(table: BranchTable, *, longest: int = LONGEST_RANGE) -> BranchTable:
    """Drop ranges that end before they start or are longer than any code."""
    every = np.ones(table.distinct_branches, dtype=bool)
    return select(table, every, ~bogus(table, longest=longest), DropReason.BOGUS_RANGE)


def bogus(table: BranchTable, *, longest: int = LONGEST_RANGE) -> NDArray[np.bool_]:
    """Mark the ranges that cannot be real."""
    backwards = table.range_end < table.range_start
    return backwards | (table.range_end - table.range_start > np.uint64(longest))


def drop_cross_function_ranges(table: BranchTable, symbols: SymbolTable) -> BranchTable:
    """Drop ranges that begin in one function and end in another or in none.

    No code falls through a function's end: where a stack has a gap, the branches beside it look like
    a range that no one executed, and every function in between would get its count. llvm-profgen
    leaves such ranges out of the perf.data that it reads itself, not of an unsymbolized profile.
    Ranges with both ends in no function (a module's, seen from vmlinux) are not judged.
    """
    start, end = symbols.outermost(table.range_start), symbols.outermost(table.range_end)
    crossing = np.flatnonzero(start != end)
    pairs, place = np.unique(
        np.column_stack([start[crossing], end[crossing]]), axis=0, return_inverse=True
    )
    real = np.array([_falls_through(symbols, *pair) for pair in pairs.tolist()], dtype=bool)
    kept = np.ones(table.distinct_ranges, dtype=bool)
    kept[crossing] = real[place.ravel()]
    every = np.ones(table.distinct_branches, dtype=bool)
    return select(table, every, kept, DropReason.CROSS_FUNCTION)


def drop_impossible_ranges(table: BranchTable, symbols: SymbolTable) -> BranchTable:
    """Drop the bogus ranges and those across functions: what must not reach a tool that believes all."""
    return drop_cross_function_ranges(drop_bogus_ranges(table), symbols)


def _falls_through(symbols: SymbolTable, start: int, end: int) -> bool:
    """Say whether one symbol is the prefix of the other, a function."""
    if start < 0 or end < 0 or not symbols.name(start).startswith(PREFIXES):
        return False
    return int(symbols.address[start] + symbols.size[start]) == int(symbols.address[end])


def module_intervals(modules: Sequence[ModuleMapping]) -> list[Interval]:
    """Return each module's addresses, cut short where the next module begins."""
    bases = sorted({module.base for module in modules})
    following = dict(pairwise([*bases, 1 << 64]))
    return [(m.base, min(m.base + m.size, following[m.base])) for m in modules]


def which_interval(addresses: Column, intervals: Sequence[Interval]) -> NDArray[np.int64]:
    """Return for each address the index of the interval that holds it, or -1.

    The intervals must not overlap.
    """
    if not intervals:
        return np.full(len(addresses), -1, dtype=np.int64)
    order = sorted(range(len(intervals)), key=lambda index: intervals[index])
    starts = np.array([intervals[index][0] for index in order], dtype=np.uint64)
    # The last address inside: an interval may reach to the very end of the address space.
    lasts = np.array([intervals[index][1] - 1 for index in order], dtype=np.uint64)
    place = np.searchsorted(starts, addresses, side="right") - 1
    inside = (place >= 0) & (addresses <= lasts[np.maximum(place, 0)])
    return np.where(inside, np.array(order, dtype=np.int64)[place], -1)
