from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pkgafdo.propeller.exttsp import ext_tsp_order
from pkgafdo.propeller.greedy import greedy_order
from pkgafdo.propeller.hot import find_hot
from pkgafdo.propeller.layout import order_blocks
from pkgafdo.propeller.score import expect, place_blocks
from pkgafdo.propeller.settings import BlockMethod
from tests.unit.propeller.graphs import Function, program


def ordered(sizes: list[int], edges: dict[tuple[int, int], int], entries: int = 1) -> list[int]:
    graph = program(Function("f", sizes, edges, entries=entries))
    order: list[int] = ext_tsp_order(find_hot(graph, 1)).tolist()
    return order


def score(code, order) -> float:
    starts = place_blocks(np.asarray(order), code.sizes, code.first_block)
    return expect(starts, code.sizes, code.edge_src, code.edge_dst, code.edge_weights).score


def test_the_hot_side_of_a_diamond_falls_through_and_the_other_lies_behind() -> None:
    edges = {(0, 1): 10, (0, 2): 90, (1, 3): 10, (2, 3): 90}
    assert ordered([16, 16, 16, 16], edges) == [0, 2, 3, 1]


def test_a_chain_of_conditions_follows_its_hot_path() -> None:
    # if (unlikely) …; three times over: 0 → 2 → 4 → 6, with 1, 3 and 5 as the rare cases.
    edges = {
        (0, 1): 1, (0, 2): 99, (1, 2): 1, (2, 3): 2, (2, 4): 98, (3, 4): 2,
        (4, 5): 3, (4, 6): 97, (5, 6): 3,
    }  # fmt: skip
    order = ordered([20] * 7, edges, entries=100)
    assert order[:4] == [0, 2, 4, 6]
    assert sorted(order[4:]) == [1, 3, 5]


def test_a_while_loop_is_rotated_so_that_its_condition_ends_it() -> None:
    # 0 enters the condition 1; 1 → body 2 or exit 3; the body jumps back to 1.
    edges = {(0, 1): 1, (1, 2): 1000, (2, 1): 1000, (1, 3): 1}
    assert ordered([10, 10, 40, 10], edges) == [0, 2, 1, 3]


def test_blocks_of_a_loop_stay_together_with_a_cold_exit_behind() -> None:
    edges = {
        (0, 1): 5, (1, 2): 500, (2, 3): 3, (2, 4): 497, (3, 4): 3, (4, 1): 495, (4, 5): 5,
    }  # fmt: skip
    order = ordered([8, 8, 8, 8, 8, 8], edges, entries=5)
    hot = sorted(order.index(block) for block in (1, 2, 4))
    assert hot == [hot[0], hot[0] + 1, hot[0] + 2]


def test_a_chain_is_split_to_take_in_another() -> None:
    # Joined first: 0 → 1 (the heaviest edge). 2 lies on the way 0 → 2 → 1 and must go between.
    edges = {(0, 1): 100, (0, 2): 99, (2, 1): 99}
    order = ordered([10, 10, 10], edges)
    assert order == [0, 2, 1]


def test_a_ring_of_blocks_that_have_only_each_other_opens_before_its_lowest() -> None:
    edges = {(0, 0): 5, (1, 2): 10, (2, 3): 10, (3, 1): 10}
    order = ordered([4, 4, 4, 4], edges)
    assert order == [0, 1, 2, 3]


def test_of_two_jumps_the_shorter_distance_is_preferred() -> None:
    # Both 1 and 2 jump to 3; the chain with the larger block is kept away from between.
    edges = {(0, 1): 50, (0, 2): 50, (1, 3): 60, (2, 3): 40}
    order = ordered([10, 10, 600, 10], edges)
    assert order == [0, 1, 3, 2]


def test_blocks_without_edges_keep_their_place_behind_the_entry() -> None:
    graph = program(Function("f", [4, 4, 4], {}, entries=3))
    counts = np.array([3, 1, 2])
    code = find_hot(_with_counts(graph, counts), 1)
    assert ext_tsp_order(code).tolist() == [0, 2, 1]


def _with_counts(graph, counts):
    fields = {name: getattr(graph, name) for name in graph.__dataclass_fields__}
    return type(graph)(**{**fields, "counts": counts})


@pytest.mark.parametrize("blocks", [600, 3000])
def test_functions_of_thousands_of_blocks_are_laid_out_whole(blocks: int) -> None:
    chance = np.random.default_rng(blocks)
    edges = {(block, block + 1): int(chance.integers(1, 100)) for block in range(blocks - 1)}
    for _ in range(blocks):
        at, to = int(chance.integers(0, blocks)), int(chance.integers(-30, 30))
        edges[at, min(blocks - 1, max(0, at + to))] = 50
    order = ordered([12] * blocks, edges)
    assert sorted(order) == list(range(blocks))
    assert order[0] == 0


@st.composite
def functions(draw: st.DrawFn, blocks: int = 7) -> Function:
    count = draw(st.integers(1, blocks))
    sizes = draw(st.lists(st.integers(0, 900), min_size=count, max_size=count))
    ends = st.integers(0, count - 1)
    edges = draw(st.dictionaries(st.tuples(ends, ends), st.integers(1, 10**6), max_size=3 * count))
    return Function("f", sizes, edges, entries=1)


@settings(max_examples=150, deadline=None)
@given(functions(blocks=12))
def test_any_layout_is_a_permutation_of_the_hot_blocks_with_the_entry_first(
    function: Function,
) -> None:
    code = find_hot(program(function), 1)
    for method in BlockMethod:
        order = order_blocks(code, method).tolist()
        assert sorted(order) == list(range(len(code.blocks)))
        assert order[0] == 0
        assert order == order_blocks(code, method).tolist()


@settings(max_examples=150, deadline=None)
@given(functions(blocks=12))
def test_the_ext_tsp_method_never_scores_below_source_or_greedy_order(function: Function) -> None:
    code = find_hot(program(function), 1)
    reached = score(code, order_blocks(code, BlockMethod.EXT_TSP))
    assert reached >= score(code, np.arange(len(code.blocks))) - 1e-5
    assert reached >= score(code, greedy_order(code)) - 1e-5


def test_small_functions_nearly_always_reach_the_best_of_all_orders() -> None:
    chance = np.random.default_rng(7)
    shares = []
    for _ in range(60):
        blocks = int(chance.integers(3, 7))
        edges = {(block, block + 1): int(chance.integers(1, 999)) for block in range(blocks - 1)}
        for at, to in chance.integers(0, blocks, (blocks, 2)).tolist():
            edges[at, to] = int(chance.integers(1, 999))
        sizes = chance.integers(1, 120, blocks).tolist()
        code = find_hot(program(Function("f", sizes, edges, entries=1)), 1)
        best = max(score(code, (0, *rest)) for rest in permutations(range(1, blocks)))
        shares.append(score(code, order_blocks(code, BlockMethod.EXT_TSP)) / best)
    assert max(shares) <= 1 + 1e-9
    assert np.mean(shares) > 0.995
    assert np.mean(np.array(shares) > 1 - 1e-9) > 0.9
