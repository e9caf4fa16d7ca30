"""The same kernel counted again, and the same sources built again."""

from __future__ import annotations

from typing import Any

import pytest

from pkgafdo.measure.counts import METRICS, StepCounts, SuiteCounts
from pkgafdo.measure.noise import floor_of, repeats_of, say_repeats


def suite(*counts: int) -> SuiteCounts:
    return SuiteCounts(
        suite="train",
        steps=tuple(
            StepCounts(name=f"s{n}", counts=dict.fromkeys(METRICS, count))
            for n, count in enumerate(counts)
        ),
    )


def row(*runs: SuiteCounts) -> dict[str, Any]:
    return {"kernel": "baseline", "suite": "train", **repeats_of(runs)}


def test_equal_runs_agree_to_the_last_digit() -> None:
    found = row(suite(5, 7), suite(5, 7), suite(5, 7))
    assert (found["equal"], found["runs"], found["spread"]) == (True, 3, {})
    assert "agreed to the last digit" in say_repeats([found])


def test_one_count_more_is_told_with_its_spread() -> None:
    found = row(suite(500, 500), suite(500, 510))
    assert found["equal"] is False
    assert found["steps"] == ["s1"]
    assert found["spread"] == {"s1": dict.fromkeys(METRICS, (500, 510))}
    text = say_repeats([row(suite(1), suite(1)), found])
    assert "did NOT agree" in text
    assert "baseline on “train”" in text
    assert "of the step s1: 500 to 510" in text


def test_differences_that_cancel_are_told_by_the_step() -> None:
    found = row(suite(5, 7), suite(7, 5))
    assert found["spread"]["s0"] == dict.fromkeys(METRICS, (5, 7))
    assert ": 5 to 7." in say_repeats([found])


def test_a_difference_in_what_was_touched_alone_is_told() -> None:
    one, other = (
        SuiteCounts(suite="train", steps=(StepCounts(name="s0", counts=counts),))
        for counts in (dict.fromkeys(METRICS, 9) | {"lines_touched": n} for n in (0, 2))
    )
    found = row(one, other)
    assert (found["equal"], found["spread"]) == (False, {"s0": {"lines_touched": (0, 2)}})
    assert "cache lines touched of the step s0: 0 to 2" in say_repeats([found])


def test_other_steps_are_no_repetition() -> None:
    with pytest.raises(ValueError, match="different steps"):
        repeats_of([suite(1), suite(1, 2)])


def test_the_floor_is_what_two_layouts_differ_by() -> None:
    found = floor_of(suite(1000, 1000), suite(1020, 980))
    assert found["changes"] == dict.fromkeys(METRICS, 0.0)
    assert [step["name"] for step in found["steps"]] == ["s0", "s1"]
    assert found["steps"][1]["changes"] == pytest.approx(dict.fromkeys(METRICS, -0.02))
    assert "taken branches by 2.00%" in floor_of(suite(1000), suite(980))["says"]
    assert floor_of(suite(0), suite(1))["changes"]["instructions"] is None


def test_what_only_one_of_two_counted_has_no_floor() -> None:
    counts = dict.fromkeys((*METRICS, "pages_touched"), 100)
    more = SuiteCounts(suite="train", steps=(StepCounts(name="s0", counts=counts),))
    assert "pages_touched" in floor_of(more, more)["changes"]
    assert "pages_touched" not in floor_of(more, suite(100))["changes"]
