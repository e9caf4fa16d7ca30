"""Filters keep what is asked for and count the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.branches.filters import (
    LONGEST_RANGE,
    drop_bogus_ranges,
    drop_cross_function_ranges,
    keep_inside,
    module_intervals,
    which_interval,
)
from pkgafdo.branches.meta import DropReason, ModuleMapping
from tests.unit.branches.tables import TEXT, branch_rows, range_rows, table_of
from tests.unit.symbols import function, symbols_of

MODULE = ModuleMapping(name="ext4", sections=((".text", 0xFFFFFFFFC0000000),), size=0x10000)
NEXT = ModuleMapping(
    name="jbd2",
    sections=((".exit.text", 0xFFFFFFFFC0000F00), (".text", 0xFFFFFFFFC0001000)),
    size=0x1000,
)


def test_records_outside_the_text_are_dropped_and_counted() -> None:
    table = table_of(
        [(TEXT, TEXT + 1, 3, 0), (TEXT + 99, TEXT, 4, 0), (1, 2, 5, 0)],
        [(TEXT, TEXT + 9, 6), (TEXT, TEXT + 10, 7), (1, 2, 8)],
    )
    kept = keep_inside(table, [(TEXT, TEXT + 10)])
    assert branch_rows(kept) == [(TEXT, TEXT + 1, 3, 0), (TEXT + 99, TEXT, 4, 0)]
    assert range_rows(kept) == [(TEXT, TEXT + 9, 6)]
    assert kept.meta.dropped == {DropReason.OUTSIDE_TEXT: 5 + 7 + 8}


def test_a_range_across_two_intervals_is_dropped() -> None:
    kept = keep_inside(table_of([], [(5, 15, 1), (11, 15, 1)]), [(10, 20), (0, 10)])
    assert range_rows(kept) == [(11, 15, 1)]


def test_without_intervals_nothing_is_inside() -> None:
    kept = keep_inside(table_of([(1, 2, 3, 0)]), [])
    assert kept.branches == 0


def test_bogus_ranges_are_dropped_and_counted() -> None:
    table = table_of(
        [(1, 2, 1, 0)],
        [(TEXT, TEXT - 1, 2), (TEXT, TEXT + LONGEST_RANGE + 1, 3), (TEXT, TEXT + LONGEST_RANGE, 4)],
    )
    kept = drop_bogus_ranges(table)
    assert range_rows(kept) == [(TEXT, TEXT + LONGEST_RANGE, 4)]
    assert kept.branches == 1
    assert kept.meta.dropped == {DropReason.BOGUS_RANGE: 5}


def test_ranges_from_one_function_into_another_are_dropped_and_counted(tmp_path) -> None:
    symbols = symbols_of(tmp_path, [function("a", 100, 50), function("b", 150, 50)])
    table = table_of(
        [(149, 150, 1, 0)],
        [(100, 149, 2), (100, 150, 3), (149, 160, 4), (150, 199, 5), (160, 200, 6)],
    )
    kept = drop_cross_function_ranges(table, symbols)
    assert range_rows(kept) == [(100, 149, 2), (150, 199, 5)]
    assert kept.branches == 1
    assert kept.meta.dropped == {DropReason.CROSS_FUNCTION: 3 + 4 + 6}


def test_ranges_outside_of_all_functions_are_not_judged(tmp_path) -> None:
    symbols = symbols_of(tmp_path, [function("a", 100, 50)])
    ranges = [(TEXT, TEXT + 9, 6), (1, 2, 3)]
    assert range_rows(drop_cross_function_ranges(table_of([], ranges), symbols)) == sorted(ranges)


def test_a_range_within_a_function_may_cross_the_functions_inside_it(tmp_path) -> None:
    symbols = symbols_of(tmp_path, [function("entry", 100, 50), function("safe", 120, 10)])
    ranges = [(100, 125, 1), (100, 140, 2), (122, 149, 3)]
    assert range_rows(drop_cross_function_ranges(table_of([], ranges), symbols)) == ranges


@pytest.mark.parametrize("prefix", ["__cfi_a", "__pfx_a"])
def test_what_stands_before_a_function_falls_into_it(tmp_path, prefix: str) -> None:
    rows = [function(prefix, 84, 16), function("a", 100, 50), function("b", 150, 50)]
    table = table_of([], [(84, 120, 1), (84, 160, 2), (90, 95, 3)])
    kept = drop_cross_function_ranges(table, symbols_of(tmp_path, rows))
    assert range_rows(kept) == [(84, 120, 1), (90, 95, 3)]


def test_without_functions_every_range_is_kept(tmp_path) -> None:
    table = table_of([], [(1, 2, 3)])
    assert drop_cross_function_ranges(table, symbols_of(tmp_path, [])).meta == table.meta
    empty = table_of([], [])
    assert drop_cross_function_ranges(empty, symbols_of(tmp_path, [])).ranges == 0


def test_dropped_records_add_up_over_filters() -> None:
    table = table_of([(1, 2, 5, 0)], [(9, 1, 2)])
    kept = keep_inside(drop_bogus_ranges(table), [])
    assert kept.meta.dropped == {DropReason.BOGUS_RANGE: 2, DropReason.OUTSIDE_TEXT: 5}
    assert keep_inside(kept, []).meta.dropped == kept.meta.dropped


def test_a_modules_addresses_end_where_the_next_begins() -> None:
    assert module_intervals([NEXT, MODULE]) == [
        (0xFFFFFFFFC0001000, 0xFFFFFFFFC0002000),
        (0xFFFFFFFFC0000000, 0xFFFFFFFFC0001000),
    ]


def test_a_module_without_a_text_section_begins_at_its_lowest() -> None:
    module = ModuleMapping(name="m", sections=((".text.b", 40), (".text.a", 30)), size=8)
    assert module.base == 30


@given(
    cuts=st.lists(st.integers(0, 2**64), min_size=2, max_size=12, unique=True),
    addresses=st.lists(st.integers(0, 2**64 - 1), max_size=20),
    seed=st.randoms(use_true_random=False),
)
def test_each_address_is_found_in_the_interval_that_holds_it(cuts, addresses, seed) -> None:
    cuts.sort()
    intervals = list(zip(cuts[::2], cuts[1::2], strict=False))
    seed.shuffle(intervals)
    probes = addresses + [cut for cut in cuts if cut < 2**64] + [cut - 1 for cut in cuts if cut]
    found = which_interval(np.array(probes, dtype=np.uint64), intervals)
    for address, index in zip(probes, found, strict=True):
        holding = [i for i, (start, end) in enumerate(intervals) if start <= address < end]
        assert [index] == (holding or [-1])
