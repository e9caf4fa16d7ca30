"""Executions of blocks, edges and calls, counted from branch records."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.propeller.addrmap import decode_map
from pkgafdo.propeller.flow import count_flow
from tests.unit.propeller import maps
from tests.unit.propeller.maps import Block, Function, encode, function
from tests.unit.propeller.simulator import random_program

F = 0xFFFFFFFF81001000
G = 0xFFFFFFFF81002000
ASM = 0xFFFFFFFF81009000
MODULE = 0xFFFFFFFFA0000000
CALLER = (Block(0, 16), Block(1, 16), Block(2, 16), Block(3, 16, maps.RETURN))
CALLEE = (Block(0, 16), Block(1, 16, maps.RETURN))


def flow_of(functions, *, branches=(), ranges=()):
    """Count {(from, to): count} and {(start, end): count} in functions."""
    branches, ranges = dict(branches), dict(ranges)
    zeros = [0] * len(branches)
    table = from_counts(
        ([a for a, _ in branches], [b for _, b in branches], list(branches.values()), zeros),
        ([a for a, _ in ranges], [b for _, b in ranges], list(ranges.values())),
        TableMeta(),
    )
    return count_flow(decode_map(encode(*functions)), table)


def edges_of(flow) -> dict[tuple[int, int, bool], int]:
    e = flow.edges
    rows = zip(e.src.tolist(), e.dst.tolist(), e.taken.tolist(), strict=True)
    return dict(zip(rows, e.weights.tolist(), strict=True))


def calls_of(flow) -> dict[tuple[int, int], int]:
    c = flow.calls
    rows = zip(c.src.tolist(), c.dst.tolist(), strict=True)
    return dict(zip(rows, c.weights.tolist(), strict=True))


TWO = (function(F, *CALLER), function(G, *CALLEE))


def test_a_jump_to_a_block_of_the_same_function_is_a_taken_edge() -> None:
    flow = flow_of(TWO, branches={(F + 14, F + 48): 7})
    assert edges_of(flow) == {(0, 3, True): 7}
    assert flow.coverage.edges == flow.coverage.total == 7


def test_a_range_executes_the_blocks_that_start_in_it_and_falls_between_them() -> None:
    flow = flow_of(TWO, ranges={(F + 8, F + 63): 5})
    assert flow.counts.tolist() == [0, 5, 5, 5, 0, 0]
    assert edges_of(flow) == {(0, 1, False): 5, (1, 2, False): 5, (2, 3, False): 5}


def test_a_range_within_one_block_executes_nothing_anew() -> None:
    flow = flow_of(TWO, ranges={(F + 20, F + 30): 5})
    assert not flow.counts.any()


def test_two_branches_of_a_block_to_one_target_are_one_edge() -> None:
    flow = flow_of(TWO, branches={(F + 10, F + 48): 3, (F + 14, F + 48): 4})
    assert edges_of(flow) == {(0, 3, True): 7}


def test_a_branch_to_an_entry_is_a_call() -> None:
    flow = flow_of(TWO, branches={(F + 20, G): 9})
    assert calls_of(flow) == {(1, 1): 9}
    assert flow.entries.tolist() == [0, 9]
    assert flow.counts[4] == 9


def test_a_call_that_skips_an_endbr_is_a_call_too() -> None:
    flow = flow_of(TWO, branches={(F + 20, G + 4): 9})
    assert calls_of(flow) == {(1, 1): 9}


def test_a_call_from_assembly_counts_as_an_entry_only() -> None:
    flow = flow_of(TWO, branches={(ASM, G): 9})
    assert calls_of(flow) == {}
    assert flow.entries.tolist() == [0, 9]
    assert flow.coverage.calls == 9


def test_a_function_that_calls_itself_makes_a_call_and_no_edge() -> None:
    flow = flow_of(TWO, branches={(F + 20, F): 2})
    assert calls_of(flow) == {(1, 0): 2}
    assert not flow.edges.taken.any()


def test_a_return_into_the_middle_of_a_block_is_no_edge() -> None:
    flow = flow_of(TWO, branches={(G + 31, F + 25): 9})
    assert edges_of(flow) == {}
    assert flow.coverage.returns == 9


def test_a_return_to_the_start_of_a_block_is_a_fall_from_the_block_that_called() -> None:
    flow = flow_of(TWO, branches={(G + 31, F + 48): 9})
    assert edges_of(flow) == {(2, 3, False): 9}
    assert flow.counts[3] == 9


def test_a_return_of_a_function_into_itself_is_no_edge() -> None:
    flow = flow_of(TWO, branches={(F + 63, F + 48): 2})
    assert flow.coverage.returns == 2
    assert edges_of(flow) == {(2, 3, False): 2}


def test_a_return_from_assembly_is_a_return() -> None:
    flow = flow_of(TWO, branches={(ASM, F + 25): 3})
    assert flow.coverage.returns == 3


def test_branches_into_code_without_a_map_are_outside() -> None:
    flow = flow_of(TWO, branches={(F + 20, ASM): 2, (ASM, MODULE): 3})
    assert flow.coverage.outside == 5
    assert flow.coverage.lost == 0


def test_a_branch_into_the_middle_of_another_block_has_no_place() -> None:
    flow = flow_of(TWO, branches={(F + 14, F + 40): 4, (F + 14, F + 32): 12})
    assert flow.coverage.lost == 4
    assert flow.coverage.share == pytest.approx(0.75)


def test_a_return_behind_a_block_that_cannot_go_on_has_no_place() -> None:
    ends = (Block(0, 16, flags=0), Block(1, 16, maps.RETURN))
    flow = flow_of([function(F, *ends)], branches={(ASM, F + 16): 4})
    assert flow.coverage.lost == 4


def test_a_jump_within_a_block_stays_inside() -> None:
    flow = flow_of(TWO, branches={(F + 30, F + 20): 4})
    assert flow.coverage.edges == 4
    assert edges_of(flow) == {}


def test_a_range_across_functions_is_lost() -> None:
    near = (function(F, *CALLEE), function(F + 32, *CALLEE))
    flow = flow_of(near, ranges={(F, F + 40): 5})
    assert not flow.counts.any()
    assert (flow.coverage.ranges, flow.coverage.ranges_lost) == (5, 5)


def test_a_range_that_ends_before_it_starts_is_lost() -> None:
    flow = flow_of(TWO, ranges={(F + 40, F + 8): 5})
    assert flow.coverage.ranges_lost == 5


def test_ranges_outside_the_map_are_not_counted() -> None:
    assert flow_of(TWO, ranges={(ASM, ASM + 8): 5}).coverage.ranges == 0


def test_a_functions_prefix_falls_into_it() -> None:
    flow = flow_of(TWO, ranges={(G - 16, G + 20): 5})
    assert flow.entries.tolist() == [0, 5]
    assert flow.counts[4:].tolist() == [5, 5]
    assert edges_of(flow) == {(4, 5, False): 5}


def test_padding_between_blocks_belongs_to_the_block_before() -> None:
    padded = function(F, Block(0, 10), Block(1, 16, maps.RETURN, gap=6))
    flow = flow_of([padded], ranges={(F, F + 20): 3}, branches={(ASM, F + 10): 2})
    assert edges_of(flow) == {(0, 1, False): 3}
    assert flow.coverage.returns == 2


def test_an_empty_block_is_reached_with_the_code_behind_it() -> None:
    empty = function(F, Block(0, 16), Block(1, 0), Block(2, 16, maps.RETURN))
    flow = flow_of([empty], branches={(F + 14, F + 16): 4}, ranges={(F + 16, F + 30): 4})
    assert edges_of(flow) == {(0, 1, True): 4, (1, 2, False): 4}
    assert flow.counts.tolist() == [0, 4, 4]


def test_an_empty_block_at_a_functions_end_takes_nothing_from_the_next_function() -> None:
    ends = function(F, Block(0, 16), Block(1, 0, flags=0))
    flow = flow_of(
        [ends, function(F + 16, *CALLEE)],
        branches={(ASM, F + 16): 4},
        ranges={(F + 16, F + 40): 4},
    )
    assert flow.entries.tolist() == [0, 4]
    assert flow.counts.tolist() == [0, 0, 4, 4]
    assert edges_of(flow) == {(2, 3, False): 4}


def test_a_function_in_two_places_keeps_its_edges() -> None:
    split = Function(
        ((F, (Block(0, 16), Block(1, 16, maps.RETURN))), (G, (Block(2, 16, flags=0),))),
        features=maps.MULTI_RANGE,
    )
    flow = flow_of(
        [split, function(F + 64, *CALLEE)],
        branches={(F + 14, G): 3, (G + 14, F + 16): 3},
    )
    assert edges_of(flow) == {(0, 2, True): 3, (2, 1, True): 3}


def test_a_lost_range_is_mended_from_the_branch_before_it() -> None:
    # The range F … F + 47 of the nine calls is missing; the one behind the page's end is not.
    flow = flow_of(TWO, branches={(G + 31, F): 9, (F + 63, ASM): 9}, ranges={(F + 40, F + 63): 9})
    assert flow.counts[:4].tolist() == [9, 9, 9, 9]
    assert edges_of(flow) == {(0, 1, False): 9, (1, 2, False): 9, (2, 3, False): 9}


def test_a_small_difference_is_not_mended() -> None:
    flow = flow_of(
        TWO,
        branches={(ASM, F): 100, (F + 14, F + 32): 85},
        ranges={(F, F + 14): 85, (F + 32, F + 40): 85},
    )
    assert flow.counts[1] == 0


def test_the_imbalance_of_a_recording_is_told() -> None:
    flow = flow_of(
        TWO,
        branches={(ASM, F): 12, (F + 14, F + 32): 8},
        ranges={(F, F + 14): 10, (F + 32, F + 40): 10},
    )
    assert flow.coverage.imbalance == pytest.approx((2 + 2) / 20)


def test_nothing_recorded_is_nothing_executed() -> None:
    flow = flow_of(TWO)
    assert not flow.counts.any()
    assert flow.coverage.share == 0.0


@pytest.mark.parametrize("seed", range(40))
def test_an_exact_recording_of_a_random_program_gives_back_what_ran(seed) -> None:
    chance = random.Random(seed)
    program = random_program(chance, functions=chance.randint(1, 6))
    truth = program.run(chance, steps=400)
    found = decode_map(program.encoded())
    table = from_counts(
        (
            [a for a, _ in truth.branches], [b for _, b in truth.branches],
            list(truth.branches.values()), [0] * len(truth.branches),
        ),
        ([a for a, _ in truth.ranges], [b for _, b in truth.ranges], list(truth.ranges.values())),
        TableMeta(),
    )  # fmt: skip
    flow = count_flow(found, table)
    starts = {code.start: number for number, code in enumerate(program.blocks)}
    assert [starts[int(at)] for at in found.start] == list(range(len(program.blocks)))
    assert flow.coverage.lost == flow.coverage.ranges_lost == 0
    assert edges_of(flow) == truth.edges
    assert calls_of(flow) == truth.calls
    assert dict(enumerate(flow.entries.tolist())) == {
        number: truth.entries[number] for number in range(found.functions)
    }
    executed = Counter(dict(enumerate(flow.counts.tolist())))
    assert +executed == truth.blocks
