"""Counts of two kernels on the same suite."""

from __future__ import annotations

import json

import pytest

from pkgafdo.measure.counts import (
    LABELS,
    METRICS,
    StepCounts,
    SuiteCounts,
    compare,
    ratio,
    step_counts,
)


def numbers(scale: int) -> dict[str, int]:
    return {metric: scale * (position + 1) for position, metric in enumerate(METRICS)}


def suite(*scales: int) -> SuiteCounts:
    steps = tuple(
        StepCounts(name=f"s{n}", counts=numbers(scale), operations=10 * n, unit="turn")
        for n, scale in enumerate(scales)
    )
    return SuiteCounts(suite="train", steps=steps)


def test_totals_are_sums_over_the_steps() -> None:
    assert suite(1, 10).total("taken_branches") == 22
    assert suite(1, 10).totals() == numbers(11)
    assert SuiteCounts(suite="x", steps=()).totals() == dict.fromkeys(METRICS, 0)


def test_counts_per_operation_exist_where_there_are_operations() -> None:
    first, second = suite(1, 100).steps
    assert first.per_operation("instructions") is None
    assert second.per_operation("instructions") == 10.0


def test_a_ratio_needs_a_baseline() -> None:
    assert ratio(200, 100) == 0.5
    assert ratio(0, 100) is None


def test_a_comparison_holds_each_kernels_count_of_each_metric() -> None:
    result = compare({"baseline": suite(10, 20), "optimised": suite(5, 10)})
    assert result["instructions"] == {"baseline": 30, "optimised": 15}
    assert result["ratio"]["taken_branches"] == {"optimised": 0.5}
    assert result["steps"][1] == {
        "name": "s1", "operations": 10, "unit": "turn",
        "instructions": {"baseline": 20, "optimised": 10},
        "taken_branches": {"baseline": 40, "optimised": 20},
        "l1i_misses": {"baseline": 60, "optimised": 30},
        "itlb_misses": {"baseline": 80, "optimised": 40},
        "per_operation": {
            "instructions": {"baseline": 2.0, "optimised": 1.0},
            "taken_branches": {"baseline": 4.0, "optimised": 2.0},
        },
    }  # fmt: skip
    assert json.loads(json.dumps(result)) == result


def test_three_kernels_are_compared_with_the_first() -> None:
    result = compare({"a": suite(10), "b": suite(5), "c": suite(20)})
    assert result["ratio"]["instructions"] == {"b": 0.5, "c": 2.0}


def test_kernels_that_ran_other_steps_are_not_compared() -> None:
    with pytest.raises(ValueError, match="b ran other steps than a"):
        compare({"a": suite(1, 2), "b": suite(1)})


def test_windows_are_paired_with_the_steps_in_order() -> None:
    windows = {2: numbers(2), 1: numbers(1), 9: numbers(9)}
    first, second = step_counts(windows, [("one", 5, "turn"), ("two", 0, "")])
    assert (first.name, first.counts, first.operations, first.unit) == (
        "one",
        numbers(1),
        5,
        "turn",
    )
    assert (second.name, second.counts) == ("two", numbers(2))


def test_a_step_without_its_window_is_an_error() -> None:
    with pytest.raises(KeyError):
        step_counts({1: numbers(1)}, [("one", 0, ""), ("two", 0, "")])


def test_what_is_modelled_is_called_a_model() -> None:
    assert LABELS.keys() == set(METRICS)
    assert all("(model)" in LABELS[metric] for metric in METRICS if "misses" in metric)
