"""The same kernel counted again, and the same sources built again."""

from __future__ import annotations

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


def row(*runs: SuiteCounts) -> dict[str, object]:
    return {"kernel": "baseline", "suite": "train", **repeats_of(runs)}


def test_equal_runs_agree_to_the_last_digit() -> None:
    found = row(suite(5, 7), suite(5, 7), suite(5, 7))
    assert (found["equal"], found["runs"], found["spread"]) == (True, 3, {})
    assert "agreed to the last digit" in say_repeats([found])


def test_one_count_more_is_told_with_its_spread() -> None:
    found = row(suite(500, 500), suite(500, 510))
    assert found["equal"] is False
    assert found["steps"] == ["s1"]
    assert found["spread"] == {metric: [1000, 1010] for metric in METRICS}
    text = say_repeats([row(suite(1), suite(1)), found])
    assert "did NOT agree" in text
    assert "baseline on “train”" in text
    assert "1.00%" in text


def test_differences_that_cancel_are_seen_all_the_same() -> None:
    found = row(suite(5, 7), suite(7, 5))
    assert (found["equal"], found["spread"]) == (False, {})
    assert say_repeats([found])


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
