"""How far counts differ that should not: the same kernel again, and the same sources built again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.measure.counts import LABELS, TOUCHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pkgafdo.measure.counts import SuiteCounts

_METRICS: Final = LABELS | TOUCHED


def repeats_of(runs: Sequence[SuiteCounts]) -> dict[str, Any]:
    """Return whether all runs of one kernel on one suite counted the same, JSON-plain.

    equal tells whether they agree to the last digit; spread has the smallest and largest total of
    each metric that does not; steps names the steps that differ. Raises ValueError when the runs did
    different steps.
    """
    first = runs[0]
    if any([s.name for s in run.steps] != [s.name for s in first.steps] for run in runs):
        raise ValueError("the runs did different steps")
    totals = {metric: [run.total(metric) for run in runs] for metric in LABELS}
    steps = [
        step.name
        for index, step in enumerate(first.steps)
        if any(dict(run.steps[index].counts) != dict(step.counts) for run in runs)
    ]
    return {
        "runs": len(runs),
        "equal": not steps,
        "steps": steps,
        "spread": {
            metric: [min(counts), max(counts)]
            for metric, counts in totals.items()
            if len(set(counts)) > 1
        },
    }


def say_repeats(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in a sentence what repeating showed; a row has kernel, suite and what `repeats_of` gave."""
    runs = min(row["runs"] for row in rows)
    unequal = [row for row in rows if not row["equal"]]
    if not unequal:
        return f"Counted {runs} times, every count of every kernel agreed to the last digit."
    worst = max(_widest(row) for row in unequal)
    names = ", ".join(f"{row['kernel']} on “{row['suite']}”" for row in unequal)
    return (
        f"Counted {runs} times, the counts did NOT agree to the last digit ({names}); they differed by "
        f"up to {worst:.2%}."
    )


def _widest(row: Mapping[str, Any]) -> float:
    return max((high / low - 1 for low, high in row["spread"].values() if low), default=0.0)


def floor_of(baseline: SuiteCounts, twin: SuiteCounts) -> dict[str, Any]:
    """Return how much the counts of two layouts of the same code differ, JSON-plain.

    twin is the baseline with its functions in another order: what differs is layout's luck. changes
    has each metric's change (None where the baseline counted nothing), steps the same of each step.
    """
    both = [metric for metric in _METRICS if baseline.has(metric) and twin.has(metric)]
    changes = {metric: _change(baseline.total(metric), twin.total(metric)) for metric in both}
    steps = [
        {"name": one.name, "changes": {m: _change(one.counts[m], other.counts[m]) for m in both}}
        for one, other in zip(baseline.steps, twin.steps, strict=True)
    ]
    told = ", ".join(
        f"{_METRICS[metric]} by {abs(change):.2%}"
        for metric, change in changes.items()
        if change is not None
    )
    return {
        "suite": baseline.suite,
        "changes": changes,
        "steps": steps,
        "says": f"Layout’s luck: the baseline with its functions in another order differs on "
        f"“{baseline.suite}” in {told}. A change that is not larger is no gain and no loss. One other "
        "order was counted: a third may differ by more.",
    }


def _change(before: int, after: int) -> float | None:
    return after / before - 1 if before else None
