"""Carrying out stages: reuse what still holds, run the rest, remember only success."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.errors import PkgafdoError, WaitingError
from pkgafdo.pipeline.journal import change_of, entry_of
from pkgafdo.pipeline.lengths import seconds_before
from pkgafdo.pipeline.plan import Verdict, decide, missing_outputs
from pkgafdo.pipeline.stage import Inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.journal import Journal
    from pkgafdo.pipeline.stage import Stage


def execute(
    stages: Sequence[Stage],
    journal: Journal,
    *,
    commands: list[str],
    version: str,
    spent: list[float] | None = None,
) -> dict[str, Entry]:
    """Bring every stage up to date, in order; returns the entries of all.

    `commands` and `spent` are lists that the runner appends to: what a stage ran, and the seconds
    that it took, go into its entry.
    Raises what a stage raises, WaitingError where a gate asks for a person.
    """
    known = journal.read()
    entries: dict[str, Entry] = {}
    for number, stage in enumerate(stages, 1):
        inputs = Inputs(needs=stage.needs, entries=entries)
        old = known.get(stage.name)
        changes = missing_outputs(old, stages) + _changed_files(old)
        decision = decide(stage, old, inputs.digests(), changes)
        label = f"{number}/{len(stages)} {stage.title}"
        if decision.verdict is Verdict.REUSE and old is not None:
            log.step(f"{label}: {decision.reason}")
            entries[stage.name] = old
            continue
        if stage.gate is not None and (sentence := stage.gate(inputs)):
            raise WaitingError(sentence)
        log.step(label if decision.reason == "not done yet" else f"{label} ({decision.reason})")
        entries[stage.name] = _run(
            stage,
            inputs,
            journal,
            commands=commands,
            spent=[] if spent is None else spent,
            version=version,
            last=seconds_before(stage.name, known | entries),
        )
    return entries


def _changed_files(entry: Entry | None) -> list[str]:
    records = entry.files.values() if entry is not None else ()
    return [change for record in records if (change := change_of(record))]


def _run(
    stage: Stage,
    inputs: Inputs,
    journal: Journal,
    *,
    commands: list[str],
    spent: list[float],
    version: str,
    last: float | None,
) -> Entry:
    journal.remove(stage.name)
    del commands[:], spent[:]
    started, clock = datetime.now(UTC), time.monotonic()
    try:
        with log.working(last):
            produced = stage.run(inputs)
    except PkgafdoError as error:
        error.add_note(f"while: {stage.title}")
        raise
    except KeyboardInterrupt as interruption:
        interruption.add_note("the same command goes on from here")
        raise
    finally:
        log.done_progress()
    entry = entry_of(
        stage.name,
        produced,
        recipe=stage.recipe,
        inputs=inputs.digests(),
        commands=tuple(commands),
        seconds=time.monotonic() - clock,
        started=started.isoformat(timespec="microseconds"),
        version=version,
        program_seconds=sum(spent),
    )
    journal.write(entry)
    return entry
