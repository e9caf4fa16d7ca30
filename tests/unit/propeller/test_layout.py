from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pkgafdo.propeller.layout import lay_out
from pkgafdo.propeller.settings import BlockMethod, LayoutSettings, OrderMethod
from tests.unit.propeller.graphs import Function, program

DIAMOND = {(0, 1): 10, (0, 2): 90, (1, 3): 10, (2, 3): 90}


def test_blocks_that_were_not_executed_are_in_no_cluster() -> None:
    function = Function("f", [16] * 4, {(0, 2): 100, (2, 3): 100}, entries=100)
    layout = lay_out(program(function), LayoutSettings())
    (found,) = layout.functions
    assert found.clusters == ((10, 12, 13),)
    assert found.has_cold
    assert (layout.hot_bytes, layout.cold_bytes) == (48, 16)


def test_a_function_that_was_executed_whole_has_no_cold_part() -> None:
    layout = lay_out(program(Function("f", [16] * 4, DIAMOND, entries=100)), LayoutSettings())
    assert layout.functions[0].clusters == ((10, 12, 13, 11),)
    assert not layout.functions[0].has_cold
    assert layout.cold_bytes == 0


def test_the_threshold_sends_rare_blocks_to_the_cold_part() -> None:
    graph = program(Function("f", [16] * 4, DIAMOND, entries=100))
    layout = lay_out(graph, LayoutSettings(cold_below=11))
    assert layout.functions[0].clusters == ((10, 12, 13),)


def test_the_entry_is_hot_whenever_anything_is() -> None:
    # Recorded from the middle of a loop on: the entry has no count.
    function = Function("f", [16] * 3, {(1, 2): 50, (2, 1): 50})
    (found,) = lay_out(program(function), LayoutSettings()).functions
    assert found.clusters[0][0] == 10
    assert sorted(found.clusters[0]) == [10, 11, 12]


def test_a_function_that_may_not_move_gets_no_line() -> None:
    fixed = Function("fixed", [8, 8], {(0, 1): 70}, entries=70, movable=False)
    layout = lay_out(program(fixed, Function("f", [8], entries=5)), LayoutSettings())
    assert [function.name for function in layout.functions] == ["f"]
    assert layout.left_alone == 1


def test_a_function_that_was_only_returned_into_is_laid_out() -> None:
    caller = Function("caller", [8, 8], {(0, 1): 3})
    layout = lay_out(program(Function("f", [8], entries=5), caller), LayoutSettings())
    assert {function.name for function in layout.functions} == {"f", "caller"}


def test_functions_lie_behind_their_callers() -> None:
    graph = program(
        Function("leaf", [32], entries=90),
        Function("idle", [32], entries=1),
        Function("top", [32, 32], {(0, 1): 100}, entries=100, calls={(1, "leaf"): 90}),
    )
    for method in (OrderMethod.C3, OrderMethod.CACHE_DIRECTED):
        layout = lay_out(graph, LayoutSettings(functions=method))
        assert [function.name for function in layout.functions] == ["top", "leaf", "idle"]


def test_a_short_function_is_as_large_as_the_cache_line_that_it_takes() -> None:
    # Ten executions a byte against three; but a line is fetched whole.
    graph = program(Function("short", [10], entries=100), Function("full", [64], entries=200))
    layout = lay_out(graph, LayoutSettings(functions=OrderMethod.DENSITY))
    assert [function.name for function in layout.functions] == ["full", "short"]
    assert layout.hot_bytes == 74


def test_calls_from_cold_blocks_do_not_pull_functions_together() -> None:
    caller = Function("caller", [32, 32], {(0, 1): 2}, entries=100, calls={(1, "leaf"): 2})
    graph = program(Function("leaf", [32], entries=200), caller)
    layout = lay_out(graph, LayoutSettings(cold_below=5))
    assert [function.name for function in layout.functions] == ["leaf", "caller"]


def test_the_expectation_tells_what_falls_through_before_and_after() -> None:
    layout = lay_out(program(Function("f", [16] * 4, DIAMOND, entries=100)), LayoutSettings())
    # Source order: 0 → 1 (10) and 2 → 3 (90) fall through. Laid out: 0 → 2 and 2 → 3, 90 each.
    assert (layout.before.falling, layout.before.jumping) == (100, 100)
    assert (layout.after.falling, layout.after.jumping) == (180, 20)
    assert layout.after.score > layout.before.score


def test_a_jump_to_the_cold_part_is_never_short() -> None:
    edges = {(0, 1): 100, (0, 2): 4}
    layout = lay_out(
        program(Function("f", [16] * 3, edges, entries=104)), LayoutSettings(cold_below=50)
    )
    assert layout.after.score == pytest.approx(100)
    assert layout.after.jumping == 4


def test_what_does_not_move_counts_the_same_before_and_after() -> None:
    fixed = Function("fixed", [16] * 4, DIAMOND, entries=100, movable=False)
    layout = lay_out(program(fixed), LayoutSettings())
    assert layout.before == layout.after
    assert layout.functions == ()


def test_source_order_is_kept_when_asked_for() -> None:
    graph = program(Function("f", [16] * 4, DIAMOND, entries=100))
    layout = lay_out(graph, LayoutSettings(blocks=BlockMethod.SOURCE))
    assert layout.functions[0].clusters == ((10, 11, 12, 13),)


def test_a_threshold_below_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="cold_below"):
        LayoutSettings(cold_below=0)


@st.composite
def programs(draw: st.DrawFn):
    functions = []
    for index in range(draw(st.integers(1, 4))):
        sizes = draw(st.lists(st.integers(0, 99), min_size=1, max_size=6))
        ends = st.integers(0, len(sizes) - 1)
        counts = st.integers(1, 1000)
        edges = draw(st.dictionaries(st.tuples(ends, ends), counts, max_size=8))
        movable = draw(st.booleans())
        functions.append(Function(f"f{index}", sizes, edges, entries=1, movable=movable))
    callees = st.sampled_from([function.name for function in functions])
    for function in functions:
        ends = st.integers(0, len(function.sizes) - 1)
        calls = draw(st.dictionaries(st.tuples(ends, callees), st.integers(1, 99), max_size=3))
        function.calls.update(calls)
    return program(*functions)


@settings(max_examples=80, deadline=None)
@given(programs(), st.integers(1, 50))
def test_each_cluster_holds_the_hot_blocks_of_a_movable_function(graph, cold_below: int) -> None:
    wanted = LayoutSettings(cold_below=cold_below)
    layout = lay_out(graph, wanted)
    assert lay_out(graph, wanted) == layout
    assert len({function.name for function in layout.functions}) == len(layout.functions)
    for function in layout.functions:
        index = graph.names.index(function.name)
        assert graph.movable[index]
        blocks = slice(graph.first_block[index], graph.first_block[index + 1])
        hot = set(graph.ids[blocks][graph.counts[blocks] >= cold_below].tolist())
        (cluster,) = function.clusters
        assert cluster[0] == graph.ids[blocks][0]
        assert len(set(cluster)) == len(cluster)
        assert set(cluster) == hot | {cluster[0]}
    assert layout.before.falling + layout.before.jumping == int(graph.edge_weights.sum())
    assert layout.after.falling + layout.after.jumping == int(graph.edge_weights.sum())


@settings(max_examples=60, deadline=None)
@given(programs())
def test_without_a_threshold_the_score_never_falls(graph) -> None:
    # Taking blocks that were never executed out of the way only shortens jumps.
    layout = lay_out(graph, LayoutSettings())
    assert layout.after.score >= layout.before.score - 1e-5


def test_edges_of_one_pair_are_added_up() -> None:
    graph = program(Function("f", [8, 8], {(0, 1): 3}, entries=10))
    fields = {name: getattr(graph, name) for name in graph.__dataclass_fields__}
    for name in ("edge_src", "edge_dst"):
        fields[name] = np.repeat(fields[name], 2)
    fields["edge_weights"] = np.array([3, 7])
    fields["edge_taken"] = np.array([False, True])
    layout = lay_out(type(graph)(**fields), LayoutSettings())
    assert layout.after.falling == 10
    assert layout.after.score == pytest.approx(10.5)
