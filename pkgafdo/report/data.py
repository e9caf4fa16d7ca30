"""The report as one JSON-plain object: everything that the page, the text and the JSON show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.machine import machine_measures, sentences
from pkgafdo.report.measures import function_movers, step_movers, suite_measures
from pkgafdo.report.verdict import verdict_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMAT: Final = 1
_MOST_MOVERS: Final = 30
_FUNCTIONS_SHOWN: Final = 150
_MOVED_BY: Final = "taken_branches"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What a recording says of one kernel: the suite, its branches by subsystem, its layout.

    exact tells whether every branch was counted; samples of different recordings do not compare.
    """

    kernel: str
    suite: str
    branches: int
    subsystems: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    exact: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a run knows: all of it JSON-plain but the recordings.

    suites maps a part of the comparison to (heading, what `compare` made); kernels, timeline,
    provenance, commands and notes are shown as they are; profile is None until there is one. noise maps
    a part to what the baseline's other layout showed, repeats says what counting again did (or nothing).
    machine maps a kernel's name to how it compares with the baseline on this machine; arcs is what
    `compare_arcs` made of two recordings.
    """

    title: str
    version: str
    kernels: Sequence[Mapping[str, Any]] = ()
    model: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    suites: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    recordings: Sequence[Recorded] = ()
    profile: Mapping[str, Any] | None = None
    checks: Sequence[str] = ()
    timeline: Sequence[Mapping[str, Any]] = ()
    provenance: Sequence[Mapping[str, str]] = ()
    commands: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    noise: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    repeats: str = ""
    machine: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arcs: Mapping[str, Any] | None = None


def build_report(facts: Facts) -> dict[str, Any]:
    """Return the report's model: what the facts say, compared and judged."""
    suites = [
        suite_measures(part, heading, data, facts.labels, facts.noise.get(part))
        for part, (heading, data) in facts.suites.items()
    ]
    measure = {"model": facts.model, "suites": suites}
    machine = [machine_measures(name, data) for name, data in facts.machine.items()]
    return {
        "format": FORMAT,
        "title": facts.title,
        "pkgafdo": facts.version,
        "verdict": verdict_of(measure, facts.noise, facts.repeats)
        | {"machine": sentences(machine)},
        "noise": dict(facts.noise),
        "kernels": list(facts.kernels),
        "measure": measure,
        "machine": machine,
        "where": [_where(one) for one in facts.recordings],
        "arcs": facts.arcs if comparable(facts.recordings) else None,
        "movers": _movers(suites, facts.recordings),
        "profile": facts.profile,
        "layout": [
            {"kernel": one.kernel, "suite": one.suite, **one.layout} for one in facts.recordings
        ],
        "checks": list(facts.checks),
        "timeline": list(facts.timeline),
        "provenance": list(facts.provenance),
        "commands": list(facts.commands),
        "missing": _missing(facts),
        "notes": list(facts.notes),
    }


def _where(recorded: Recorded) -> dict[str, Any]:
    """Return a recording's branches by subsystem; of each, its hottest functions and the rest."""
    rows = []
    for subsystem in recorded.subsystems:
        functions = subsystem["functions"]
        shown, rest = functions[:_FUNCTIONS_SHOWN], functions[_FUNCTIONS_SHOWN:]
        rows.append(
            {
                "name": subsystem["name"],
                "count": subsystem["count"],
                "share": subsystem["count"] / recorded.branches if recorded.branches else 0.0,
                "functions": list(shown),
                "others": {"functions": len(rest), "count": sum(one["count"] for one in rest)},
            }
        )
    return {
        "kernel": recorded.kernel,
        "suite": recorded.suite,
        "branches": recorded.branches,
        "exact": recorded.exact,
        "functions": sum(len(one["functions"]) for one in recorded.subsystems),
        "subsystems": rows,
        "concentration": concentration(recorded.subsystems),
    }


def concentration(subsystems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how many of the hottest functions have which share of the branches."""
    counts = sorted((f["count"] for s in subsystems for f in s["functions"]), reverse=True)
    total = sum(counts)
    points: list[dict[str, Any]] = []
    seen, wanted = 0, 1
    for number, count in enumerate(counts, 1):
        seen += count
        if number >= wanted or number == len(counts):
            points.append({"functions": number, "share": seen / total if total else 0.0})
            wanted = max(number + 1, int(number * 1.25))
    return points


def comparable(recordings: Sequence[Recorded]) -> bool:
    """Tell whether recordings of several kernels count the same work, every branch of it."""
    exact = all(one.exact for one in recordings)
    return len(recordings) > 1 and exact and len({one.suite for one in recordings}) == 1


def _movers(suites: Sequence[Mapping[str, Any]], recordings: Sequence[Recorded]) -> dict[str, Any]:
    found: dict[str, Any] = {"metric": _MOVED_BY, "steps": step_movers(suites, _MOVED_BY)}
    if comparable(recordings):
        first, last = recordings[0], recordings[-1]
        found |= {
            "before": first.kernel,
            "after": last.kernel,
            "functions": function_movers(first.subsystems, last.subsystems, _MOST_MOVERS),
        }
    return found


def _missing(facts: Facts) -> list[str]:
    """Say in a sentence each what a whole report has and this one lacks."""
    recorded = {one.kernel for one in facts.recordings}
    compared = [kernel["name"] for kernel in facts.kernels]
    lines = [
        f"No recording was made on the {name} kernel, so where its branches go is not shown."
        for name in compared
        if name not in recorded
    ]
    for part, heading in (("train", "the training suite"), ("heldout", "the held-out suite")):
        if part not in facts.suites:
            lines.append(f"The kernels are not compared on {heading}: not all were counted there.")
    if len({one.suite for one in facts.recordings}) > 1:
        told = ", ".join(f"{one.kernel}: “{one.suite}”" for one in facts.recordings)
        lines.append(
            f"The kernels were recorded under different work ({told}), so their branches do not compare."
        )
    if facts.profile is None:
        lines.append("There is no profile yet.")
    return lines
