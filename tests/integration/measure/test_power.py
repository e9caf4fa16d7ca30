"""Verdicts on thousands of simulated suites whose truth is known: false alarms, and power."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pkgafdo.measure.statistics import (
    LEVEL,
    Sample,
    Verdict,
    compare_samples,
    holm,
    judge,
    median_ratio,
    noise_floor,
)

RUNS = 2000


def verdicts(count: int, suite: int, effect: float) -> list[list[Verdict]]:
    """Return the verdicts on simulated suites, in which all benchmarks differ by the effect."""
    generator = np.random.default_rng(count * 100 + suite)
    scale = 0.01 * np.sqrt(6) / np.pi
    before, after = np.exp(generator.gumbel(0, scale, (2, RUNS, suite, count)))
    after = after * (1 - effect)
    # The same test as rank_test's, for all simulated boots in one call.
    values = stats.mannwhitneyu(before, after, axis=-1, method="exact").pvalue
    found = [
        [
            judge(median_ratio(b, a), p, noise_floor(b) if p <= LEVEL else None, lower=True)
            for b, a, p in zip(*row, strict=True)
        ]
        for row in zip(before, after, map(holm, values.tolist()), strict=True)
    ]
    for place in range(5):
        assert found[place] == compared(before[place], after[place])
    return found


def compared(before: np.ndarray, after: np.ndarray) -> list[Verdict]:
    """Return what a comparison of these boots says, a row a benchmark."""
    sides = [
        {str(name): Sample(boots=tuple(boots)) for name, boots in enumerate(side.tolist())}
        for side in (before, after)
    ]
    return [row.verdict for row in compare_samples(*sides)]


def said(found: list[list[Verdict]], *verdict: Verdict) -> float:
    """Return in which part of the suites some benchmark was given such a verdict."""
    return sum(any(one in verdict for one in row) for row in found) / len(found)


@pytest.mark.parametrize(("count", "suite"), [(5, 1), (5, 6), (8, 8)])
def test_two_equal_kernels_are_called_different_in_at_most_five_of_a_hundred_suites(
    count: int, suite: int
) -> None:
    # Two standard errors of a simulated share are allowed above it.
    alarms = said(verdicts(count, suite, 0.0), Verdict.BETTER, Verdict.WORSE)
    assert alarms <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / RUNS)


def documented() -> list[tuple[int, int, float, float]]:
    """Return the rows of the documentation's table: boots, benchmarks, difference, share found."""
    text = (Path(__file__).parents[3] / "docs/measuring.md").read_text()
    rows = re.findall(
        r"^\| (\d+) \| (\d+) \| (none|[\d.]+ %) \| ([\d.]+) % \|$", text, re.MULTILINE
    )
    return [
        (
            int(count),
            int(suite),
            float(effect[:-2]) / 100 if effect != "none" else 0,
            float(share) / 100,
        )
        for count, suite, effect, share in rows
    ]


@pytest.mark.parametrize(("count", "suite", "effect", "share"), documented())
def test_verdicts_are_as_frequent_as_the_documentation_states(
    count: int, suite: int, effect: float, share: float
) -> None:
    wanted = (Verdict.BETTER,) if effect else (Verdict.BETTER, Verdict.WORSE)
    found = said(verdicts(count, suite, effect), *wanted)
    # Three standard errors of a simulated share: other versions of NumPy draw other numbers.
    assert found == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / RUNS))


def test_the_documentation_states_alarms_and_power() -> None:
    assert {bool(effect) for _, _, effect, _ in documented()} == {False, True}
