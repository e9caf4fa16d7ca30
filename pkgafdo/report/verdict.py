"""The verdict of a run in words: what was found, of which kind it is, and how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.numbers import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODEL_KIND: Final = (
    "Exact counts in an emulated machine: a model, not time. What a real processor makes of it, only "
    "that processor can tell."
)
_EXACT: Final = (
    "Counting adds no error: under QEMU’s -icount the same kernel with the same work executes the same "
    "instructions every time."
)
_UNKNOWN_LUCK: Final = (
    "Layout’s luck is not measured here: how much the baseline would differ by itself with its functions "
    "in another order (pkgafdo run --noise-floor). It moves cache and TLB misses far more than "
    "instructions and branches."
)
_METRIC: Final = "taken_branches"
_NONE: Final = "Nothing has been compared yet"


def verdict_of(
    measure: Mapping[str, Any], noise: Mapping[str, Mapping[str, Any]], repeats: str = ""
) -> dict[str, Any]:
    """Return the verdict, JSON-plain: kind, headline, claims (suite by suite) and uncertainty.

    The headline speaks of the last kernel and of work that the profile never saw, where there is any.
    What is not larger than layout's luck is neither called a gain nor a loss.
    """
    suites = measure["suites"]
    if not suites:
        return {"kind": "none", "says": "", "headline": _NONE, "claims": [], "uncertainty": []}
    claims = [claim for suite in suites for claim in _claims(suite)]
    last = [claim for claim in claims if claim["kernel"] == claims[-1]["kernel"]]
    best = next((claim for claim in last if claim["part"] == "heldout"), last[0])
    return {
        "kind": "model",
        "says": MODEL_KIND,
        "headline": _headline(best),
        "claims": claims,
        "uncertainty": _uncertainty(suites, noise, repeats),
    }


def _claims(suite: Mapping[str, Any]) -> list[dict[str, Any]]:
    metric = next(one for one in suite["metrics"] if one["metric"] == _METRIC)
    return [
        {
            "part": suite["part"],
            "heading": suite["heading"],
            "suite": suite["suite"],
            "metric": _METRIC,
            "label": metric["label"],
            "kernel": row["kernel"],
            "change": row["change"],
            "floor": metric["floor"],
            "clear": row["clear"],
            **metric["steps_change"].get(row["kernel"], {"least": None, "most": None}),
        }
        for row in metric["kernels"][1:]
    ]


def _headline(claim: Mapping[str, Any]) -> str:
    change = claim["change"]
    if change is None:
        return "The counts cannot be compared: the baseline took no branch"
    if change == 0:
        return f"As many {claim['label']} as before, on {_work(claim)}"
    if claim["clear"] is False:
        return f"No change of {claim['label']} beyond layout’s luck, on {_work(claim)}"
    size = percent(abs(change), signed=False)
    return f"{size} {'fewer' if change < 0 else 'more'} {claim['label']} on {_work(claim)}"


def _work(claim: Mapping[str, Any]) -> str:
    return (
        "work that the profile never saw"
        if claim["part"] == "heldout"
        else "the work that it was trained on"
    )


def _uncertainty(
    suites: Sequence[Mapping[str, Any]], noise: Mapping[str, Mapping[str, Any]], repeats: str
) -> list[str]:
    lines = [repeats or _EXACT]
    lines += [
        f"Work matters: among the {len(suite['steps'])} steps of “{suite['suite']}”, {claim['label']} "
        f"of the {claim['kernel']} kernel changed by {percent(claim['least'])} to "
        f"{percent(claim['most'])}."
        for suite in suites
        for claim in _claims(suite)
        if claim["least"] is not None and len(suite["steps"]) > 1
    ]
    lines += [one["says"] for one in noise.values()] or [_UNKNOWN_LUCK]
    lines += [
        f"No gain and no loss, because layout’s luck is as large: {metric['label']} of the "
        f"{row['kernel']} kernel on “{suite['suite']}” ({percent(row['change'])})."
        for suite in suites
        for metric in suite["metrics"]
        for row in metric["kernels"][1:]
        if row["clear"] is False
    ]
    lines.append(
        "Cache and TLB misses are those of a stated model, without prefetching, speculation or other "
        "processors."
    )
    return lines
