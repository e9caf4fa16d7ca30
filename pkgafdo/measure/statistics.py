"""Comparing two kernels on a real machine: the boot is what is repeated, and noise is believed in.

Repeats inside a boot share its page colours, its clocks and its luck, so they are averaged first: a
boot gives one number. Then: the ratio of medians with a bootstrap interval over boots, a rank test
(Mann and Whitney) that assumes no distribution, Holm's correction over the suite, and no verdict on
fewer than five boots of either kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import comb
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

FEWEST_BOOTS: Final = 5
LEVEL: Final = 0.05
_RESAMPLES: Final = 4999
_DIVISIONS: Final = 999
_EXACT: Final = 40
"""Boots up to which the rank test counts all orders, when no two values are equal."""


class Verdict(StrEnum):
    """What a comparison may say."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference found"
    IN_NOISE = "not more than this machine differs from itself"
    TOO_FEW = "too few boots for a verdict"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One benchmark on one kernel: a number a boot. lower tells that less is better."""

    boots: tuple[float, ...]
    lower: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One benchmark compared: medians, their ratio after ÷ before with its interval, and the test.

    low and high are None where there is one boot only. p is the rank test's, p_suite after Holm's
    correction (both None below five boots); floor is how much the baseline's own boots differ when
    they are divided in two (None when too few).
    """

    name: str
    boots_before: int
    boots_after: int
    median_before: float
    median_after: float
    ratio: float
    low: float | None
    high: float | None
    p: float | None
    p_suite: float | None
    floor: float | None
    verdict: Verdict


def per_boot(repeats: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return one number a boot: the mean of its repeats; a boot without any is left out."""
    return tuple(float(np.mean(values)) for values in repeats if len(values))


def median_ratio(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the ratio of the medians, after ÷ before."""
    return float(np.median(after) / np.median(before))


def ratio_interval(
    before: Sequence[float], after: Sequence[float], *, confidence: float = 0.95
) -> tuple[float, float] | tuple[None, None]:
    """Return the bootstrap interval of the ratio of medians, boots drawn anew within each kernel.

    One boot has no interval.
    """
    from scipy import stats

    if min(len(before), len(after)) < 2:
        return None, None
    found = stats.bootstrap(
        (np.asarray(before), np.asarray(after)),
        lambda x, y, axis: np.median(y, axis=axis) / np.median(x, axis=axis),
        n_resamples=_RESAMPLES,
        confidence_level=confidence,
        method="percentile",
        vectorized=True,
        random_state=np.random.default_rng(1),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def rank_test(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the two-sided p value of Mann and Whitney's test, exact where no values are equal."""
    from scipy import stats

    values = np.concatenate((before, after))
    if len(np.unique(values)) == 1:
        return 1.0
    if len(np.unique(values)) == len(values) <= _EXACT:
        return float(stats.mannwhitneyu(before, after, method="exact").pvalue)
    method = stats.PermutationMethod(n_resamples=_RESAMPLES, random_state=np.random.default_rng(1))
    return float(stats.mannwhitneyu(before, after, method=method).pvalue)


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected after Holm (1979), in the order given."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected = [1.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, values[place] * (len(values) - rank)))
        corrected[place] = largest
    return corrected


def noise_floor(boots: Sequence[float]) -> float | None:
    """Return how much medians of two halves of one kernel's boots differ, in 95 of 100 divisions.

    None below four boots.
    """
    values: NDArray[np.float64] = np.asarray(boots, dtype=float)
    if len(values) < 4:
        return None
    half = len(values) // 2
    mixed = np.random.default_rng(1).permuted(np.tile(values, (_DIVISIONS, 1)), axis=1)
    ratios = np.median(mixed[:, half:], axis=1) / np.median(mixed[:, :half], axis=1)
    return float(np.quantile(np.abs(ratios - 1), 0.95))


def smallest_p(before: int, after: int) -> float:
    """Return the smallest p value that the rank test can give for so many boots."""
    return min(1.0, 2 / comb(before + after, before))


def boots_needed(benchmarks: int) -> int:
    """Return how many boots a kernel make a verdict possible for each of so many benchmarks."""
    boots = FEWEST_BOOTS
    while smallest_p(boots, boots) * benchmarks > LEVEL:
        boots += 1
    return boots


def compare_samples(
    before: Mapping[str, Sample], after: Mapping[str, Sample]
) -> tuple[Comparison, ...]:
    """Compare two kernels on the benchmarks that both have, as one suite.

    Raises ValueError when a benchmark's direction differs or a median is zero.
    """
    names = [name for name in before if name in after]
    raw = {
        name: rank_test(before[name].boots, after[name].boots)
        for name in names
        if _enough(before[name], after[name])
    }
    corrected = dict(zip(raw, holm(list(raw.values())), strict=True))
    return tuple(
        _compare(name, before[name], after[name], raw.get(name), corrected.get(name))
        for name in names
    )


def _enough(before: Sample, after: Sample) -> bool:
    return min(len(before.boots), len(after.boots)) >= FEWEST_BOOTS


def _compare(
    name: str, before: Sample, after: Sample, p: float | None, p_suite: float | None
) -> Comparison:
    if before.lower != after.lower:
        raise ValueError(f"less is better in one {name} and worse in the other")
    if not np.median(before.boots):
        raise ValueError(f"the baseline's median of {name} is zero")
    ratio = median_ratio(before.boots, after.boots)
    low, high = ratio_interval(before.boots, after.boots)
    floor = noise_floor(before.boots)
    return Comparison(
        name=name,
        boots_before=len(before.boots),
        boots_after=len(after.boots),
        median_before=float(np.median(before.boots)),
        median_after=float(np.median(after.boots)),
        ratio=ratio,
        low=low,
        high=high,
        p=p,
        p_suite=p_suite,
        floor=floor,
        verdict=judge(ratio, p_suite, floor, lower=before.lower),
    )


def judge(ratio: float, p_suite: float | None, floor: float | None, *, lower: bool) -> Verdict:
    """Return the verdict on one benchmark of a suite."""
    if p_suite is None:
        return Verdict.TOO_FEW
    if p_suite > LEVEL or ratio == 1:
        return Verdict.NO_DIFFERENCE
    if floor is not None and abs(ratio - 1) <= floor:
        return Verdict.IN_NOISE
    return Verdict.BETTER if (ratio < 1) == lower else Verdict.WORSE
