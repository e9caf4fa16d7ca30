"""The comparison of kernels on suites, as the report shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def change(before: int, after: int) -> float | None:
    """Return the change relative to before, or None where there was nothing before."""
    return (after - before) / before if before else None


def suite_measures(
    part: str,
    heading: str,
    data: Mapping[str, Any],
    labels: Mapping[str, str],
    noise: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one suite's comparison, JSON-plain; data is what `measure.counts.compare` makes.

    The first kernel is the reference of every change. noise is what `measure.noise.floor_of` makes:
    then floor is how much layout alone changes a metric, and clear tells whether a change is larger.
    """
    names = list(data[next(iter(labels))])
    floors = noise["changes"] if noise else {}
    by_step = {step["name"]: step["changes"] for step in noise["steps"]} if noise else {}
    return {
        "part": part,
        "heading": heading,
        "suite": data["suite"],
        "metrics": [
            {"metric": metric, "label": label}
            | _judged(data[metric], names, floors.get(metric))
            | _spread(data["steps"], metric, names)
            for metric, label in labels.items()
        ],
        "steps": [
            _step(step, labels, names, by_step.get(step["name"], {})) for step in data["steps"]
        ],
    }


def _judged(counts: Mapping[str, int], names: Sequence[str], floor: float | None) -> dict[str, Any]:
    """Return the counts of all kernels, and whether each change is larger than the floor."""
    rows = _counts(counts, names)
    for row in rows:
        known = floor is not None and row["change"] is not None
        row["clear"] = abs(row["change"]) > abs(floor or 0) if known else None
    return {"kernels": rows, "floor": None if floor is None else abs(floor)}


def _counts(counts: Mapping[str, int], names: Sequence[str]) -> list[dict[str, Any]]:
    before = counts[names[0]]
    return [
        {"kernel": name, "count": counts[name], "change": change(before, counts[name])}
        for name in names
    ]


def _step(
    step: Mapping[str, Any],
    labels: Mapping[str, str],
    names: Sequence[str],
    floors: Mapping[str, float | None],
) -> dict[str, Any]:
    operations = step["operations"]
    metrics = []
    for metric, label in labels.items():
        judged = _judged(step[metric], names, floors.get(metric))
        for row in judged["kernels"]:
            row["per_operation"] = row["count"] / operations if operations else None
        metrics.append({"metric": metric, "label": label} | judged)
    return {
        "name": step["name"],
        "operations": operations,
        "unit": step["unit"],
        "metrics": metrics,
    }


def _spread(
    steps: Sequence[Mapping[str, Any]], metric: str, names: Sequence[str]
) -> dict[str, Any]:
    """Return the smallest and largest change among the steps, by kernel after the first."""
    spread = {}
    for name in names[1:]:
        changes = [change(step[metric][names[0]], step[metric][name]) for step in steps]
        known = [one for one in changes if one is not None]
        if known:
            spread[name] = {"least": min(known), "most": max(known)}
    return {"steps_change": spread}


def step_movers(suites: Sequence[Mapping[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Return the steps of all suites for the last kernel, the largest change of a metric first."""
    rows = []
    for suite in suites:
        for step in suite["steps"]:
            kernels = next(m["kernels"] for m in step["metrics"] if m["metric"] == metric)
            first, last = kernels[0], kernels[-1]
            if last["change"] is not None:
                rows.append(
                    {
                        "suite": suite["suite"],
                        "step": step["name"],
                        "before": first["count"],
                        "after": last["count"],
                        "change": last["change"],
                    }
                )
    return sorted(rows, key=lambda row: float(row["change"]))


def function_movers(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], most: int
) -> list[dict[str, Any]]:
    """Return the functions whose count changed most, in either direction; both lists are subsystems."""
    old, new = _by_function(before), _by_function(after)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "subsystem": (old.get(name) or new[name])[1],
            "before": old.get(name, (0, ""))[0],
            "after": new.get(name, (0, ""))[0],
        }
        for name in old.keys() | new.keys()
    ]
    for row in rows:
        row["difference"] = row["after"] - row["before"]
    rows.sort(key=lambda row: (-abs(row["difference"]), row["name"]))
    return rows[:most]


def _by_function(subsystems: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, str]]:
    return {
        function["name"]: (function["count"], subsystem["name"])
        for subsystem in subsystems
        for function in subsystem["functions"]
    }
