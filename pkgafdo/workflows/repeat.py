"""Counting a run's kernels again, to see that the counts repeat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError
from pkgafdo.measure.noise import repeats_of, say_repeats
from pkgafdo.pipeline.plan import recipe_change
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.workflows.guest import TWIN
from pkgafdo.workflows.measure_stages import counts_of
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pkgafdo.measure.counts import SuiteCounts
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Stage

_NAME: Final = "repeats.json"


def repeat_counts(
    stages: Sequence[Stage], entries: Mapping[str, Entry], times: int, folder: Path
) -> dict[str, Any]:
    """Count every kernel that was counted so many times more; keep what came out in the work folder.

    Raises ArtifactError when nothing was counted yet, or with other settings than these.
    """
    counting = [stage for stage in stages if stage.name.startswith("measure-")]
    known = [stage for stage in counting if stage.name in entries]
    if not known:
        raise ArtifactError(
            "no kernel of this run was counted yet", hint="Run `pkgafdo measure` first."
        )
    rows = []
    for number, stage in enumerate(known, 1):
        entry = entries[stage.name]
        if change := recipe_change(entry.recipe, stage.recipe):
            raise ArtifactError(
                f"{stage.name} was counted differently",
                details=change,
                hint="Run `pkgafdo measure` first.",
            )
        log.step(f"{number}/{len(known)} {stage.title}, {times} times more")
        runs = [counts_of(entry), *_again(stage, entries, entry, times)]
        rows.append(_row(stage.name, runs) | {"inputs": dict(entry.inputs)})
    data = {"rows": rows, "says": say_repeats(rows)}
    files.write_json(folder / _NAME, data)
    return data


def wishes_of(entries: Mapping[str, Entry]) -> tuple[str, ...]:
    """Return the settings without which a counted kernel would be no part of the run."""
    wishes = {Round.PROPELLER: "propeller.enable=true", TWIN: "measure.noise_floor=true"}
    counted = {name.rpartition("-")[2] for name in entries if name.startswith("measure-")}
    return tuple(wish for which, wish in wishes.items() if which in counted)


def _again(
    stage: Stage, entries: Mapping[str, Entry], entry: Entry, times: int
) -> list[SuiteCounts]:
    inputs = Inputs(needs=stage.needs, entries=entries)
    return [counts_of(replace(entry, facts=stage.run(inputs).facts)) for _ in range(times)]


def _row(name: str, runs: Sequence[SuiteCounts]) -> dict[str, Any]:
    kernel = name.rpartition("-")[2]
    return {"kernel": kernel, "suite": runs[0].suite, **repeats_of(runs)}


def read_repeats(folder: Path, entries: Mapping[str, Entry]) -> str:
    """Return what repeating showed of these very kernels; empty when it was not done for them."""
    try:
        data = files.read_json(folder / _NAME)
        known = [dict(entry.inputs) for entry in entries.values()]
        same = all(row["inputs"] in known for row in data["rows"])
        return str(data["says"]) if same else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""
