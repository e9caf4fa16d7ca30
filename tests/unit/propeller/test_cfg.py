"""The graph of a recorded kernel, and recordings that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.cfg import build_graph, doubts, require_balance, require_coverage
from pkgafdo.propeller.graph import Coverage
from pkgafdo.propeller.settings import GraphLimits
from tests.unit.propeller import maps
from tests.unit.propeller.kernels import BUILD_ID, INIT, TEXT, symbol, write_kernel
from tests.unit.propeller.maps import Block, function

COLD, F, G = TEXT, TEXT + 0x100, TEXT + 0x200
FUNCTIONS = (
    function(COLD, Block(0, 16), Block(1, 16, maps.RETURN)),
    function(F, Block(0, 16), Block(5, 16), Block(3, 16), Block(2, 16, maps.RETURN)),
    function(G, Block(0, 16), Block(4, 16, maps.RETURN)),
    function(INIT, Block(0, 16, maps.RETURN)),
)
ROWS = [symbol("cold", COLD), symbol("f", F), symbol("g", G), symbol("setup", INIT)]
LIMITS = GraphLimits(min_branches=1)
OWN = BUILD_ID.hex()


def recording(branches, ranges, *, build_id=OWN):
    return from_counts(
        (
            [a for a, _ in branches],
            [b for _, b in branches],
            list(branches.values()),
            [0] * len(branches),
        ),
        ([a for a, _ in ranges], [b for _, b in ranges], list(ranges.values())),
        TableMeta(build_id=build_id),
    )


TABLE = recording(
    {(TEXT - 64, F): 100, (F + 14, F + 32): 60, (F + 40, G): 100, (G + 31, F + 45): 100},
    {
        (F, F + 14): 60,
        (F, F + 40): 40,
        (F + 32, F + 40): 60,
        (G, G + 31): 100,
        (F + 45, F + 63): 100,
    },
)


@pytest.fixture
def vmlinux(tmp_path):
    return write_kernel(tmp_path / "vmlinux", ROWS, *FUNCTIONS)


def test_a_graph_holds_the_executed_functions_only(vmlinux) -> None:
    graph = build_graph(vmlinux, TABLE, LIMITS)
    assert graph.names == ("f", "g")
    assert graph.addresses.tolist() == [F, G]
    assert graph.first_block.tolist() == [0, 4, 6]
    assert graph.ids.tolist() == [0, 5, 3, 2, 0, 4]
    assert graph.counts.tolist() == [100, 40, 100, 100, 100, 100]
    assert graph.entries.tolist() == [100, 100]
    assert graph.coverage.map_functions == 4


def test_edges_and_calls_name_blocks_and_functions_of_the_graph(vmlinux) -> None:
    graph = build_graph(vmlinux, TABLE, LIMITS)
    rows = zip(graph.edge_src, graph.edge_dst, graph.edge_taken, graph.edge_weights, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [
        (0, 1, 0, 40), (0, 2, 1, 60), (1, 2, 0, 40), (2, 3, 0, 100), (4, 5, 0, 100),
    ]  # fmt: skip
    assert (graph.call_src.tolist(), graph.call_dst.tolist()) == ([2], [1])
    assert graph.call_weights.tolist() == [100]


def test_columns_have_the_types_that_the_graph_promises(vmlinux) -> None:
    graph = build_graph(vmlinux, TABLE, LIMITS)
    assert graph.ids.dtype == np.int32
    assert graph.flags.dtype == np.uint8
    assert graph.addresses.dtype == np.uint64
    assert graph.movable.dtype == graph.edge_taken.dtype == bool
    for name in (
        "entries", "first_block", "sizes", "counts", "edge_src", "edge_dst", "edge_weights",
        "call_src", "call_dst", "call_weights",
    ):  # fmt: skip
        assert getattr(graph, name).dtype == np.int64, name


def test_a_function_that_was_only_returned_into_is_in_the_graph(vmlinux) -> None:
    table = recording({(TEXT - 64, F + 5): 10, (F + 14, F + 48): 10}, {(F + 5, F + 14): 10})
    graph = build_graph(vmlinux, table, LIMITS)
    assert graph.names == ("f",)
    assert graph.entries.tolist() == [0]
    assert graph.counts.tolist() == [0, 0, 0, 10]


def test_init_code_is_in_the_graph_and_may_not_move(vmlinux) -> None:
    graph = build_graph(vmlinux, recording({(TEXT - 64, INIT): 10}, {}), LIMITS)
    assert graph.names == ("setup",)
    assert not graph.movable.any()


def test_a_recording_of_another_build_is_refused_with_both_build_ids(vmlinux) -> None:
    with pytest.raises(ArtifactError, match="another build") as caught:
        build_graph(vmlinux, recording({}, {}, build_id="beef"), LIMITS)
    assert "beef" in caught.value.details
    assert BUILD_ID.hex() in caught.value.details


def test_another_build_goes_through_when_that_is_allowed(vmlinux, capsys) -> None:
    other = recording({(TEXT - 64, F): 100}, {}, build_id="beef")
    assert build_graph(vmlinux, other, LIMITS, allow_mismatch=True).names == ("f",)
    assert capsys.readouterr().err.count("the recording has build-id beef, vmlinux has") == 1


def test_addresses_of_an_unknown_place_are_warned_of_where_they_are_allowed(
    vmlinux, capsys
) -> None:
    table = recording({(TEXT - 64, F): 100}, {})
    lost = replace(table, meta=replace(table.meta, extra={"addresses": "unknown"}))
    with pytest.raises(ArtifactError, match="does not say where the kernel lay"):
        build_graph(vmlinux, lost, LIMITS)
    assert build_graph(vmlinux, lost, LIMITS, allow_mismatch=True).names == ("f",)
    assert capsys.readouterr().err.count("does not say where the kernel lay") == 1


def test_a_recording_that_does_not_say_its_build_goes_through(vmlinux, capsys) -> None:
    other = recording({(TEXT - 64, F): 100}, {}, build_id="")
    assert build_graph(vmlinux, other, LIMITS).names == ("f",)
    assert capsys.readouterr().err.count("does not say its build-id") == 1


def test_another_builds_vmlinux_without_a_map_is_another_build_first(tmp_path) -> None:
    plain = write_kernel(tmp_path / "vmlinux", ROWS)
    with pytest.raises(ArtifactError, match="another build") as caught:
        build_graph(plain, recording({}, {}, build_id="beef"), LIMITS)
    assert "vmlinux.unstripped" in caught.value.hint


def test_returns_alone_are_too_thin(vmlinux) -> None:
    with pytest.raises(ArtifactError, match="too thin"):
        build_graph(vmlinux, recording({(TEXT - 64, F + 5): 10}, {}), LIMITS)


def test_an_empty_recording_is_too_thin(vmlinux) -> None:
    with pytest.raises(ArtifactError, match="too thin for a layout: 0 taken branches are"):
        build_graph(vmlinux, recording({}, {}), LIMITS)


def coverage(**numbers) -> Coverage:
    none = dict.fromkeys(
        ("total", "edges", "calls", "returns", "outside", "lost", "ranges", "ranges_lost",
         "map_functions", "map_blocks"), 0,
    )  # fmt: skip
    return Coverage(**(none | numbers))


def test_a_good_recording_passes() -> None:
    require_coverage(coverage(total=200_000, edges=150_000, outside=50_000), GraphLimits())


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            {"total": 100, "edges": 90, "outside": 10},
            "too thin .*: 90 taken branches are edges or calls",
        ),
        (
            {"total": 10**6, "edges": 10**5, "outside": 9 * 10**5},
            "Only 10.0% .* with an address map",
        ),
        ({"total": 10**6, "edges": 9 * 10**5, "lost": 10**5}, "Only 90.0% .* fit the blocks"),
    ],
)
def test_a_poor_recording_is_refused_with_its_numbers_and_the_next_move(numbers, message) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        require_coverage(coverage(**numbers), GraphLimits())
    assert f"{numbers['total']:,} taken branches" in caught.value.details
    assert caught.value.hint


@pytest.mark.parametrize(
    ("ranges", "lost", "words"),
    [(0, 0, "no fall-through ranges"), (5, 5, "no fall-through ranges"), (10**4, 11, "0.11% of")],
)
def test_ranges_that_say_little_are_doubted(ranges, lost, words) -> None:
    (doubt,) = doubts(coverage(ranges=ranges, ranges_lost=lost))
    assert words in doubt


def test_a_few_lost_ranges_are_no_doubt() -> None:
    assert list(doubts(coverage(ranges=10**4, ranges_lost=10))) == []


def test_a_kernel_without_ranges_is_laid_out_with_a_warning(vmlinux, capsys) -> None:
    build_graph(vmlinux, recording({(TEXT - 64, F): 100}, {}), LIMITS)
    assert capsys.readouterr().err.count("no fall-through ranges") == 1


def test_ranges_of_other_branches_are_refused(vmlinux) -> None:
    other = recording({(TEXT - 64, F): 100}, {(G, G + 31): 100})
    with pytest.raises(ArtifactError, match=r"differ by 100.0% .*; 25% are allowed") as caught:
        build_graph(vmlinux, other, LIMITS)
    assert "propeller.limits.max_imbalance" in caught.value.hint
    assert build_graph(vmlinux, other, GraphLimits(min_branches=1, max_imbalance=3)).functions == 2


def test_stacks_of_eight_entries_are_balanced_enough() -> None:
    require_balance(coverage(ranges=10**6, imbalance=0.1), GraphLimits())
