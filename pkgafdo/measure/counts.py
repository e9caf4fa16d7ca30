"""Counts of two kernels on the same suite, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METRICS: Final = ("instructions", "taken_branches", "l1i_misses", "itlb_misses")
LABELS: Final = {
    "instructions": "kernel instructions",
    "taken_branches": "taken branches",
    "l1i_misses": "L1i misses (model)",
    "itlb_misses": "iTLB misses (model)",
}
PER_OPERATION: Final = ("instructions", "taken_branches")
"""What is told of a single system call, message or request. Misses depend on what came before it."""
TOUCHED: Final = {
    "lines_touched": "cache lines touched",
    "pages_touched": "pages touched",
}
"""Different 64-byte lines and 4 KiB pages of code; a suite's are its steps' added up. Journals of
older versions do not have them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepCounts:
    """One step's counts: name, metric → count; operations is its units of work (0: no natural unit)."""

    name: str
    counts: Mapping[str, int]
    operations: int = 0
    unit: str = ""

    def per_operation(self, metric: str) -> float | None:
        """Return a count per unit of work, or None where the step has no unit."""
        return self.counts[metric] / self.operations if self.operations else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteCounts:
    """A suite's counts on one kernel."""

    suite: str
    steps: tuple[StepCounts, ...]

    def total(self, metric: str) -> int:
        """Return the sum of a metric over all steps."""
        return sum(step.counts[metric] for step in self.steps)

    def has(self, metric: str) -> bool:
        """Tell whether every step counted a metric."""
        return all(metric in step.counts for step in self.steps)

    def totals(self) -> dict[str, int]:
        """Return the sum of every metric over all steps."""
        return {metric: self.total(metric) for metric in METRICS}


def ratio(baseline: int, optimised: int) -> float | None:
    """Return optimised ÷ baseline, or None where the baseline is zero."""
    return optimised / baseline if baseline else None


def compare(kernels: Mapping[str, SuiteCounts]) -> dict[str, Any]:
    """Return the counts of several kernels on one suite as a JSON-plain object.

    It has metric → kernel → count, the same as kernel → metric → count, `ratio` and `steps`.
    The first kernel is the reference of `ratio`. Raises ValueError when the suites or steps differ.
    """
    names = list(kernels)
    reference = kernels[names[0]]
    for name in names[1:]:
        if [s.name for s in kernels[name].steps] != [s.name for s in reference.steps]:
            raise ValueError(f"{name} ran other steps than {names[0]}")
    counted = [m for m in (*METRICS, *TOUCHED) if all(one.has(m) for one in kernels.values())]
    result: dict[str, Any] = {
        metric: {name: counts.total(metric) for name, counts in kernels.items()}
        for metric in counted
    }
    result |= {name: counts.totals() for name, counts in kernels.items()}
    result["ratio"] = {
        metric: {
            name: ratio(reference.total(metric), kernels[name].total(metric)) for name in names[1:]
        }
        for metric in counted
    }
    result["steps"] = [_step(kernels, index, counted) for index in range(len(reference.steps))]
    return result


def _step(kernels: Mapping[str, SuiteCounts], index: int, counted: Sequence[str]) -> dict[str, Any]:
    steps = {name: counts.steps[index] for name, counts in kernels.items()}
    first = next(iter(steps.values()))
    return {
        "name": first.name,
        "operations": first.operations,
        "unit": first.unit,
        **{m: {name: step.counts[m] for name, step in steps.items()} for m in counted},
        "per_operation": {
            m: {name: step.per_operation(m) for name, step in steps.items()}
            for m in PER_OPERATION
            if first.operations
        },
    }


def step_counts(
    windows: Mapping[int, Mapping[str, int]], steps: Sequence[tuple[str, int, str]]
) -> tuple[StepCounts, ...]:
    """Pair windows (numbered from 1) with the suite's steps, given as (name, operations, unit)."""
    return tuple(
        StepCounts(name=name, counts=dict(windows[number]), operations=operations, unit=unit)
        for number, (name, operations, unit) in enumerate(steps, 1)
    )
