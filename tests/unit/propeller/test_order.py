from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pkgafdo.propeller.order import order_functions
from pkgafdo.propeller.settings import OrderMethod

C3 = OrderMethod.C3
CACHE = OrderMethod.CACHE_DIRECTED


def column(*values: int):
    return np.array(values, np.int64)


def order(sizes, counts, calls, method, **more) -> list[int]:
    src, dst, weights = (column(*part) for part in zip(*calls, strict=True))
    found: list[int] = order_functions(
        column(*sizes), column(*counts), src, dst, None, weights, method, **more
    ).tolist()
    return found


@pytest.mark.parametrize("method", [C3, CACHE])
def test_a_callee_lies_behind_its_caller(method: OrderMethod) -> None:
    assert order([100, 100, 100], [1, 0, 50], [(2, 0, 50)], method) == [2, 0]


def test_c3_appends_the_callee_to_its_most_frequent_caller() -> None:
    # 2 is called by 0 and, more often, by 1.
    calls = [(0, 2, 10), (1, 2, 30)]
    got = order([64, 64, 64], [10, 30, 40], calls, C3)
    assert got.index(2) == got.index(1) + 1


def test_c3_makes_a_chain_of_a_chain_of_calls() -> None:
    calls = [(3, 1, 90), (1, 0, 80), (0, 2, 70)]
    assert order([50] * 4, [80, 90, 70, 95], calls, C3) == [3, 1, 0, 2]


def test_c3_does_not_grow_a_cluster_past_its_limit() -> None:
    calls = [(0, 1, 60)]
    assert order([3000, 3000], [60, 100], calls, C3, cluster_bytes=6000) == [0, 1]
    assert order([3000, 3000], [60, 100], calls, C3, cluster_bytes=5999) == [1, 0]


def test_c3_keeps_a_dense_caller_apart_from_a_callee_that_would_thin_it_out() -> None:
    # With the callee the cluster would be 100 times less dense.
    calls = [(0, 1, 1)]
    assert order([10, 100_000, 500], [1000, 1, 900], calls, C3) == [0, 2, 1]


def test_c3_ignores_a_caller_that_makes_few_of_the_calls() -> None:
    # Eleven callers, each with a tenth of the calls or less: none is the one to lie behind.
    calls = [(caller, 12, 10) for caller in range(1, 12)]
    got = order([10] * 13, [0, *[10] * 11, 110], calls, C3)
    assert got[0] == 12


def test_density_puts_the_most_executed_per_byte_first() -> None:
    got = order([100, 10, 1000], [500, 60, 900], [(0, 1, 1)], OrderMethod.DENSITY)
    assert got == [1, 0, 2]


def test_source_order_only_leaves_out_what_was_not_executed() -> None:
    assert order([1, 1, 1, 1], [0, 5, 0, 9], [(3, 2, 1)], OrderMethod.SOURCE) == [1, 2, 3]


def test_the_cache_directed_order_keeps_those_that_call_each_other_side_by_side() -> None:
    # Two groups that never call each other, interleaved in the input.
    calls = [(0, 2, 500), (2, 4, 500), (1, 3, 400), (3, 5, 400)]
    got = order([300] * 6, [500, 400] * 3, calls, CACHE)
    groups = [function % 2 for function in got]
    assert groups in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])


def test_the_place_of_a_call_in_its_caller_decides_which_callee_is_nearer() -> None:
    # A call from the very start of a large caller is nearer to what lies before it.
    sizes = column(4000, 64)
    args = (sizes, column(9, 9), column(0), column(1))
    ahead = order_functions(*args, column(0), column(9), CACHE)
    behind = order_functions(*args, column(3990), column(9), CACHE)
    assert ahead.tolist() == [1, 0]
    assert behind.tolist() == [0, 1]


def test_calls_to_oneself_and_calls_without_count_do_not_matter() -> None:
    calls = [(0, 0, 10**9), (1, 2, 0), (1, 0, 3)]
    for method in OrderMethod:
        assert sorted(order([10, 10, 10], [5, 5, 0], calls, method)) == [0, 1]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="alphabet"):
        order([1], [1], [(0, 0, 1)], "alphabet")


@st.composite
def programs(draw: st.DrawFn):
    count = draw(st.integers(1, 20))
    sizes = draw(st.lists(st.integers(0, 5000), min_size=count, max_size=count))
    counts = draw(st.lists(st.integers(0, 10**9), min_size=count, max_size=count))
    ends = st.integers(0, count - 1)
    calls = draw(st.lists(st.tuples(ends, ends, st.integers(0, 10**9)), max_size=40))
    return sizes, counts, calls or [(0, 0, 0)]


@settings(max_examples=100, deadline=None)
@given(programs())
def test_every_method_lists_each_executed_function_once_and_the_same_way_again(given) -> None:
    sizes, counts, calls = given
    called = {end for src, dst, weight in calls if weight and src != dst for end in (src, dst)}
    executed = sorted(called | {index for index, count in enumerate(counts) if count})
    for method in OrderMethod:
        first = order(sizes, counts, calls, method)
        assert sorted(first) == executed
        assert first == order(sizes, counts, calls, method)
