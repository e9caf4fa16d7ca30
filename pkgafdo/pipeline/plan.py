"""Deciding, purely, what each stage has to do and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pkgafdo.pipeline.stage import Inputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Stage


class Verdict(StrEnum):
    """What happens to a stage."""

    RUN = "run"
    REUSE = "reuse"
    WAIT = "wait"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A verdict on one stage and the reason, in words."""

    stage: str
    title: str
    verdict: Verdict
    reason: str


def _flat(value: object, prefix: str = "") -> dict[str, str]:
    """Flatten a JSON-plain value to dotted names, each with its text."""
    if isinstance(value, dict):
        flat: dict[str, str] = {}
        for key, item in value.items():
            flat |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
        return flat
    return {prefix: json.dumps(value, ensure_ascii=False, sort_keys=True)}


def _short(text: str) -> str:
    text = text.strip('"')
    return text if len(text) <= 40 else text[:37] + "…"


def recipe_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Return the first difference between two recipes as “name changed: old → new”, or None."""
    # A round trip through JSON makes tuples and lists alike, as the journal has them.
    before, after = _flat(json.loads(json.dumps(old))), _flat(json.loads(json.dumps(new)))
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            was, now = before.get(name, "absent"), after.get(name, "absent")
            return f"{name} changed: {_short(was)} → {_short(now)}"
    return None


def decide(
    stage: Stage, entry: Entry | None, inputs: Mapping[str, str], changes: Iterable[str] = ()
) -> Decision:
    """Decide on one stage from its journal entry, the digests of its inputs, and changed outputs."""

    def verdict(what: Verdict, reason: str) -> Decision:
        return Decision(stage=stage.name, title=stage.title, verdict=what, reason=reason)

    if entry is None:
        return verdict(Verdict.RUN, "not done yet")
    if change := recipe_change(entry.recipe, stage.recipe):
        return verdict(Verdict.RUN, change)
    for key in sorted(inputs.keys() | entry.inputs.keys()):
        if inputs.get(key) != entry.inputs.get(key):
            return verdict(Verdict.RUN, f"its input {key} is different now")
    for change in changes:
        return verdict(Verdict.RUN, change)
    return verdict(
        Verdict.REUSE, f"done in {entry.seconds:.0f} s, nothing it depends on has changed"
    )


def missing_outputs(entry: Entry | None, stages: Iterable[Stage]) -> list[str]:
    """Return why an entry does not serve these stages: outputs that they need and it does not have.

    Another version of pkgafdo may have written it.
    """
    if entry is None:
        return []
    needs = {key.partition(".")[::2] for stage in stages for key in stage.needs}
    wanted = {name for stage, name in needs if stage == entry.stage}
    absent = sorted(wanted - entry.files.keys() - entry.facts.keys())
    return [f"its journal entry does not tell {name}" for name in absent]


def plan(stages: Iterable[Stage], entries: Mapping[str, Entry]) -> tuple[Decision, ...]:
    """Foretell every stage's verdict from the journal alone; touches no disk, but asks gates.

    Pessimistic: what follows a stage that must run is expected to run too, although execution may
    find its inputs unchanged and reuse it.
    """
    stages = tuple(stages)
    decisions: list[Decision] = []
    stale: set[str] = set()
    for stage in stages:
        waits_for = [name for name in stage.upstream if name in stale]
        entry = entries.get(stage.name)
        if entry is not None and waits_for:
            decision = Decision(
                stage=stage.name,
                title=stage.title,
                verdict=Verdict.RUN,
                reason=f"{waits_for[0]} runs first",
            )
        else:
            known = {name: entries[name] for name in entries if name not in stale}
            inputs = Inputs(needs=stage.needs, entries=known, planned=True)
            decision = decide(stage, entry, inputs.digests(), missing_outputs(entry, stages))
            decision = _held_back(stage, inputs, decision)
        if decision.verdict is not Verdict.REUSE:
            stale.add(stage.name)
        decisions.append(decision)
    return tuple(decisions)


def _held_back(stage: Stage, inputs: Inputs, decision: Decision) -> Decision:
    """Return WAIT for a stage that could run now if its gate were open.

    A gate is asked only when all that it may look at exists.
    """
    ready = all(name in inputs.entries for name in stage.upstream)
    if decision.verdict is Verdict.RUN and stage.gate is not None and ready:
        sentence = stage.gate(inputs)
        if sentence is not None:
            return replace(decision, verdict=Verdict.WAIT, reason=sentence)
    return decision


def preview(
    stages: Iterable[Stage], entries: Mapping[str, Entry]
) -> tuple[tuple[Decision, ...], dict[str, tuple[str, ...]]]:
    """Return the plan, and for each stage that would run its commands as shell lines."""
    stages = tuple(stages)
    decisions = plan(stages, entries)
    stale = {one.stage for one in decisions if one.verdict is not Verdict.REUSE}
    known = {name: entry for name, entry in entries.items() if name not in stale}
    foretold = {
        f"{stage.name}.{key}": fact
        for stage in stages
        if stage.name in stale and stage.foretell is not None
        for key, fact in stage.foretell().items()
    }
    commands: dict[str, tuple[str, ...]] = {}
    for stage in stages:
        inputs = Inputs(needs=stage.needs, entries=known, planned=True, foretold=foretold)
        shown = stage.name in stale and stage.preview is not None
        commands[stage.name] = stage.preview(inputs) if shown and stage.preview else ()
    return decisions, commands
