"""The table itself: sorting, summing, refusing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.errors import ArtifactError
from tests.unit.branches.tables import TEXT, branch_rows, range_rows, table_of

ADDRESS = st.sampled_from([0, 1, TEXT, TEXT + 5, 2**64 - 1]) | st.integers(0, 2**64 - 1)
BRANCHES = st.lists(st.tuples(ADDRESS, ADDRESS, st.integers(0, 2**40), st.integers(0, 2**30)))
RANGES = st.lists(st.tuples(ADDRESS, ADDRESS, st.integers(0, 2**40)))


@given(branches=BRANCHES, ranges=RANGES)
def test_repeated_pairs_are_summed_and_sorted(branches, ranges) -> None:
    table = table_of(branches, ranges)
    taken: Counter[tuple[int, int]] = Counter()
    missed: Counter[tuple[int, int]] = Counter()
    for source, target, count, misses in branches:
        taken[source, target] += count
        missed[source, target] += misses
    assert branch_rows(table) == [(*pair, taken[pair], missed[pair]) for pair in sorted(taken)]
    passed: Counter[tuple[int, int]] = Counter()
    for start, end, count in ranges:
        passed[start, end] += count
    assert range_rows(table) == [(*pair, passed[pair]) for pair in sorted(passed)]


def test_totals_count_every_branch_and_range() -> None:
    table = table_of([(1, 2, 5, 1), (1, 2, 6, 2), (3, 4, 1, 0)], [(2, 9, 7)])
    assert (table.branches, table.mispredicted, table.distinct_branches) == (12, 3, 2)
    assert (table.ranges, table.distinct_ranges) == (7, 1)


def test_an_empty_table_has_totals_of_zero() -> None:
    table = table_of()
    assert (table.branches, table.ranges, table.distinct_branches) == (0, 0, 0)


def test_counts_that_would_wrap_around_are_refused() -> None:
    with pytest.raises(ArtifactError, match="more than any recording"):
        table_of([(1, 2, 2**63, 0), (1, 2, 2**63, 0)])


def test_columns_of_different_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        replace(table_of([(1, 2, 3, 0)]), branch_from=np.zeros(2, dtype=np.uint64))


def test_an_unsorted_table_cannot_be_built_by_hand() -> None:
    table = table_of([(1, 2, 3, 0), (2, 2, 3, 0)])
    with pytest.raises(ValueError, match="not sorted"):
        replace(table, branch_from=table.branch_from[::-1].copy())


def test_signed_columns_cannot_be_built_by_hand() -> None:
    table = table_of([], [(1, 2, 3)])
    with pytest.raises(ValueError, match="unsigned"):
        replace(table, range_count=np.array([3], dtype=np.int64))


def test_the_columns_cannot_be_changed() -> None:
    table = table_of([(1, 2, 3, 0)])
    with pytest.raises(ValueError, match="read-only"):
        table.branch_count[0] = 9


def test_the_caller_may_go_on_using_its_arrays() -> None:
    counts = np.array([3], dtype=np.uint64)
    table = from_counts(([1], [2], counts, [0]), ([], [], []), TableMeta())
    counts[0] = 99
    assert table.branches == 3
