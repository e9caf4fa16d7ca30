"""The comparison as a table for the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from pkgafdo.measure.counts import LABELS, METRICS
from pkgafdo.report.table import render_table

KERNELS = ("baseline", "optimised")


def counts(before: int, after: int) -> dict[str, dict[str, int]]:
    return {metric: {"baseline": before, "optimised": after} for metric in METRICS}


def test_each_metric_is_a_row_with_counts_and_change() -> None:
    text = render_table({"train": counts(97_760_000, 55_760_000)}, LABELS, KERNELS)
    lines = text.splitlines()
    assert lines[0] == "train:"
    assert lines[1].split() == ["baseline", "optimised", "change"]
    assert lines[2].split() == ["kernel", "instructions", "97,760,000", "55,760,000", "-43.0%"]
    assert len(lines) == 2 + len(METRICS)


def test_the_table_fits_80_columns_even_with_huge_counts() -> None:
    suites = {"train": counts(10**12 - 1, 10**12 - 1), "held-out": counts(1, 10**12 - 1)}
    assert max(len(line) for line in render_table(suites, LABELS, KERNELS).splitlines()) <= 80


THREE = (*KERNELS, "propeller")


def three(*counts: int) -> dict[str, Any]:
    return {metric: dict(zip(THREE, counts, strict=True)) for metric in METRICS}


@pytest.mark.parametrize("size", [10**5, 10**8, 10**11, 10**14])
@pytest.mark.parametrize("floors", [False, True])
def test_the_table_of_three_kernels_fits_80_columns(size: int, floors: bool) -> None:
    suite = three(size * 7, size * 6 + 1, size)
    if floors:
        suite["noise"] = {"changes": dict.fromkeys(METRICS, 0.0123) | {"itlb_misses": None}}
    lines = render_table({"train": suite}, LABELS, THREE).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == [*THREE, "change", "change", *(["floor"] if floors else [])]
    assert len({len(line) for line in lines[1:]}) == 1


def test_counts_of_three_kernels_are_exact_where_there_is_room() -> None:
    text = render_table({"train": three(759_582_206, 674_862_480, 6_828_285)}, LABELS, THREE)
    assert "759,582,206" in text
    suites = {"train": three(3 * 10**15, 674_862_480, 6_828_285)}
    suites["train"]["noise"] = {"changes": dict.fromkeys(METRICS, 0.01)}
    row = render_table(suites, LABELS, THREE).splitlines()[2]
    assert row.split()[2:8] == ["3,000.0", "T", "674.9", "M", "6,828,285", "-100.0%"]


def test_columns_are_aligned() -> None:
    text = render_table({"train": counts(500, 1_234)}, LABELS, KERNELS)
    assert len({len(line) for line in text.splitlines()[1:]}) == 1


def test_suites_are_set_apart_by_a_blank_line() -> None:
    text = render_table({"one": counts(2, 1), "two": counts(1, 2)}, LABELS, KERNELS)
    first, second = text.split("\n\n")
    assert first.startswith("one:")
    assert second.startswith("two:")
    assert text.endswith("\n")
    assert "+100.0%" in second


def test_nothing_can_be_said_of_a_change_from_zero() -> None:
    row = render_table({"x": counts(0, 5)}, {"itlb_misses": "iTLB"}, KERNELS).splitlines()[-1]
    assert row.split() == ["iTLB", "0", "5", "–"]
