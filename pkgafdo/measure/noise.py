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

    equal tells whether they agree to the last digit; steps names the steps that do not; spread has
    their metrics that differ, the smallest and the largest count of each. Raises ValueError when the
    runs did different steps.
    """
    first = runs[0]
    if any([s.name for s in run.steps] != [s.name for s in first.steps] for run in runs):
        raise ValueError("the runs did different steps")
    metrics = [metric for metric in _METRICS if all(run.has(metric) for run in runs)]
    spread = {
        step.name: _spread([run.steps[index].counts for run in runs], metrics)
        for index, step in enumerate(first.steps)
    }
    spread = {name: found for name, found in spread.items() if found}
    return {"runs": len(runs), "equal": not spread, "steps": list(spread), "spread": spread}


def _spread(
    counts: Sequence[Mapping[str, int]], metrics: Sequence[str]
) -> dict[str, tuple[int, int]]:
    ends = {metric: [one[metric] for one in counts] for metric in metrics}
    return {metric: (min(c), max(c)) for metric, c in ends.items() if len(set(c)) > 1}


def say_repeats(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in a sentence what repeating showed; a row has kernel, suite and what `repeats_of` gave."""
    runs = min(row["runs"] for row in rows)
    unequal = [row for row in rows if not row["equal"]]
    if not unequal:
        return f"Counted {runs} times, every count of every kernel agreed to the last digit."
    names = ", ".join(f"{row['kernel']} on “{row['suite']}”" for row in unequal)
    return (
        f"Counted {runs} times, the counts did NOT agree to the last digit ({names}); they differed "
        f"most in {_widest(unequal)}."
    )


def _widest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the step and metric that differ by the largest part, with what was counted."""
    ends = [
        (high / low - 1 if low else float("inf"), low, high, metric, step)
        for row in rows
        for step, spread in row["spread"].items()
        for metric, (low, high) in spread.items()
    ]
    _, low, high, metric, step = max(ends)
    return f"the {_METRICS[metric]} of the step {step}: {low:,} to {high:,}"


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
