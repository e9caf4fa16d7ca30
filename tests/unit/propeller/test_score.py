from __future__ import annotations

import numpy as np
import pytest

from pkgafdo.propeller.score import expect, place_blocks


def column(*values: int):
    return np.array(values, np.int64)


def test_blocks_start_where_those_before_them_in_the_order_end() -> None:
    starts = place_blocks(column(0, 2, 1, 4, 3), column(5, 7, 9, 2, 4), column(0, 3, 5))
    assert starts.tolist() == [0, 14, 5, 4, 0]


def test_an_empty_block_takes_a_byte_so_that_no_two_share_a_place() -> None:
    assert place_blocks(column(0, 1, 2), column(4, 0, 4), column(0, 3)).tolist() == [0, 4, 5]


@pytest.mark.parametrize(
    ("target", "worth"),
    [
        (100, 1.0),  # falls through
        (100 + 512, 0.1 * 0.5),  # half of the reach forward
        (100 + 1024, 0.0),
        (100 + 5000, 0.0),
        (100 - 320, 0.1 * 0.5),  # half of the reach backward
        (100 - 640, 0.0),
    ],
)
def test_an_edge_is_worth_less_the_farther_it_jumps(target: int, worth: float) -> None:
    starts = column(0, target, 10**6)
    # A second successor, so that the first is a condition.
    got = expect(starts, column(100, 1, 1), column(0, 0), column(1, 2), column(40, 0))
    assert got.score == pytest.approx(40 * worth)
    assert got.falling == (40 if target == 100 else 0)
    assert got.falling + got.jumping == 40


def test_a_fall_through_to_the_only_successor_is_worth_a_little_more() -> None:
    got = expect(column(0, 8), column(8, 8), column(0), column(1), column(100))
    assert got.score == pytest.approx(105)
    assert got.fall_through_share == 1.0


def test_a_program_without_edges_has_no_share() -> None:
    nothing = column()
    assert expect(column(0), column(8), nothing, nothing, nothing).fall_through_share == 0.0
