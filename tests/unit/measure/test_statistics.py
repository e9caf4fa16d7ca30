"""Statistics against known answers."""

from __future__ import annotations

import numpy as np
import pytest

from pkgafdo.measure import statistics
from pkgafdo.measure.statistics import (
    LEVEL,
    Sample,
    Verdict,
    boots_needed,
    compare_samples,
    holm,
    judge,
    median_ratio,
    noise_floor,
    per_boot,
    rank_test,
    ratio_interval,
    smallest_p,
)


def boots(
    generator: np.random.Generator, count: int, *, level: float = 10.0, spread: float = 0.01
) -> tuple[float, ...]:
    """Return boots of a benchmark: skewed noise, as times have it."""
    return tuple(level * np.exp(generator.gumbel(0, spread * np.sqrt(6) / np.pi, count)))


def test_the_rank_test_gives_the_tabulated_values() -> None:
    """Mann and Whitney (1947): all of five below all of five, one way of 252, two-sided."""
    low, high = (1.0, 2.0, 3.0, 4.0, 5.0), (6.0, 7.0, 8.0, 9.0, 10.0)
    assert rank_test(low, high) == pytest.approx(2 / 252)
    assert rank_test(low, high) == pytest.approx(smallest_p(5, 5))
    # One exchange at the border: the second most extreme order.
    assert rank_test((1, 2, 3, 4, 6), (5, 7, 8, 9, 10)) == pytest.approx(4 / 252)


def test_the_rank_test_knows_the_classical_example() -> None:
    """Mann–Whitney U of (19 22 16 29 24) and (20 11 17 12): U = 17, p = 0.111 (SciPy's manual)."""
    assert rank_test((19, 22, 16, 29, 24), (20, 11, 17, 12)) == pytest.approx(0.11111, abs=1e-4)


def test_equal_values_differ_in_nothing() -> None:
    assert rank_test((5.0,) * 6, (5.0,) * 6) == 1.0
    assert rank_test((1, 2, 2, 3, 4), (1, 2, 2, 3, 4)) > 0.5


def test_holm_gives_the_textbooks_values() -> None:
    """Holm (1979): 0.01, 0.04, 0.03, 0.005 over four tests."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_medians_and_their_ratio() -> None:
    assert median_ratio((1, 2, 9), (1, 1, 8)) == 0.5
    assert per_boot([[1, 3], [], [5]]) == (2.0, 5.0)


def test_the_interval_holds_the_ratio_and_narrows_with_more_boots() -> None:
    generator = np.random.default_rng(3)
    widths = []
    for count in (6, 60):
        before, after = boots(generator, count), boots(generator, count, level=9.0)
        low, high = ratio_interval(before, after)
        assert low is not None
        assert high is not None
        assert low <= median_ratio(before, after) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_the_interval_holds_the_truth_about_as_often_as_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "_RESAMPLES", 400)
    generator = np.random.default_rng(4)
    held = 0
    for _ in range(150):
        low, high = ratio_interval(boots(generator, 12), boots(generator, 12, level=9.5))
        assert low is not None
        assert high is not None
        held += low <= 0.95 <= high
    assert held / 150 >= 0.88


def test_one_boot_has_no_interval() -> None:
    assert ratio_interval((1.0,), (2.0,)) == (None, None)


def test_the_noise_floor_is_the_baselines_own_spread() -> None:
    generator = np.random.default_rng(5)
    calm, wild = (noise_floor(boots(generator, 12, spread=s)) for s in (0.002, 0.05))
    assert calm is not None
    assert wild is not None
    assert calm < 0.01 < wild
    assert noise_floor((1.0, 2.0, 3.0)) is None
    assert noise_floor((4.0,) * 6) == 0.0


def test_below_five_boots_there_is_no_verdict() -> None:
    generator = np.random.default_rng(6)
    (found,) = compare_samples(
        {"pipe": Sample(boots=boots(generator, 4))},
        {"pipe": Sample(boots=boots(generator, 30, level=1.0))},
    )
    assert found.verdict is Verdict.TOO_FEW
    assert found.p is None
    assert found.ratio == pytest.approx(0.1, rel=0.1)


def test_a_clear_difference_is_called_by_its_direction() -> None:
    generator = np.random.default_rng(7)
    before, after = boots(generator, 8), boots(generator, 8, level=9.0)
    for lower, verdict in ((True, Verdict.BETTER), (False, Verdict.WORSE)):
        (found,) = compare_samples(
            {"x": Sample(boots=before, lower=lower)}, {"x": Sample(boots=after, lower=lower)}
        )
        assert found.verdict is verdict


def test_a_difference_within_the_machines_own_is_no_verdict() -> None:
    assert judge(0.99, 0.001, 0.02, lower=True) is Verdict.IN_NOISE
    assert judge(0.97, 0.001, 0.02, lower=True) is Verdict.BETTER
    assert judge(0.97, 0.06, 0.02, lower=True) is Verdict.NO_DIFFERENCE
    assert judge(0.97, 0.001, None, lower=False) is Verdict.WORSE


def test_only_common_benchmarks_are_compared() -> None:
    one = Sample(boots=(1.0, 1.1, 1.2, 1.3, 1.4))
    assert [c.name for c in compare_samples({"a": one, "b": one}, {"b": one, "c": one})] == ["b"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Sample(boots=(1.0,) * 5), Sample(boots=(1.0,) * 5, lower=False)),
        (Sample(boots=(0.0,) * 5), Sample(boots=(1.0,) * 5)),
    ],
)
def test_what_cannot_be_compared_is_refused(before: Sample, after: Sample) -> None:
    with pytest.raises(ValueError, match=r"less is better|zero"):
        compare_samples({"x": before}, {"x": after})


def test_boots_needed_grow_with_the_suite() -> None:
    assert boots_needed(1) == 5
    assert boots_needed(6) == 5
    assert boots_needed(7) == 6
    for count in (1, 10, 40):
        assert smallest_p(boots_needed(count), boots_needed(count)) * count <= LEVEL
