"""The report of a run: everything that its journal and files tell, as one page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import log
from pkgafdo.errors import ArtifactError, ConfigError, HostError
from pkgafdo.measure.counts import LABELS, TOUCHED
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.report.arcs import compare_arcs
from pkgafdo.report.data import Facts, build_report
from pkgafdo.workflows.command_line import again
from pkgafdo.workflows.judging import describe_profile
from pkgafdo.workflows.profiles import Workbench
from pkgafdo.workflows.repeat import read_repeats
from pkgafdo.workflows.report_facts import (
    commands_of,
    kernels_of,
    notes_of,
    provenance_of,
    timeline_of,
)
from pkgafdo.workflows.report_machine import machine_of
from pkgafdo.workflows.report_recordings import read_recordings
from pkgafdo.workflows.result import PARTS, measure_of
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.workflows.session import Session

_PROFILE_FACTS: Final = (
    "sha256", "size", "functions", "samples", "largest_function", "largest_block", "blocks",
    "coverage", "density",
)  # fmt: skip
_HOT_SHOWN: Final = 25


def report_workdir(workdir: Path, bench: Workbench) -> dict[str, Any]:
    """Return the report of the run in a work folder.

    Raises ConfigError when there is no run, ArtifactError when nothing of it is finished.
    """
    entries = require_workdir(workdir).journal.read()
    if not entries:
        raise ArtifactError(
            f"nothing of the run in {workdir} is finished yet",
            hint=f"Run `{again(workdir, 'run')}` first.",
        )
    return build_report(facts_of(workdir, entries, bench))


def report_session(session: Session) -> Path:
    """Write the report of a session's run into its work folder, as the run's last act.

    One that is newer than everything in the journal stays as it is.
    """
    output = session.workdir.path / "report.html"
    if output.is_file() and output.stat().st_mtime > session.workdir.journal.changed():
        return output
    bench = Workbench(
        runner=session.runner,
        toolchain=session.toolchain,
        settings=session.config.profile,
        cache=session.cache,
    )
    write_report(report_workdir(session.workdir.path, bench), output, "html")
    log.step(f"the report is in {output}")
    return output


def facts_of(workdir: Path, entries: Mapping[str, Entry], bench: Workbench) -> Facts:
    """Gather what a report shows; a file that cannot be read any more becomes a note."""
    notes = notes_of(entries, version())
    measure = measure_of(entries) or {"model": ""}
    source = entries.get("source")
    recordings, arcs = read_recordings(workdir, entries, bench, notes)
    return Facts(
        title=f"Linux {source.facts['version']}" if source else "Linux",
        version=version(),
        kernels=kernels_of(entries),
        model=measure["model"],
        labels=_labels(measure),
        suites={part: (text, measure[part]) for part, text in PARTS.items() if part in measure},
        recordings=recordings,
        arcs=compare_arcs(arcs) if len(arcs) > 1 else None,
        profile=_profile(entries, bench, notes),
        checks=entries["verify"].facts["checks"] if "verify" in entries else (),
        timeline=timeline_of(entries),
        provenance=provenance_of(entries),
        commands=commands_of(entries, workdir),
        notes=notes,
        noise={part: measure[part]["noise"] for part in PARTS if "noise" in measure.get(part, {})},
        repeats=read_repeats(workdir, entries),
        machine=machine_of(workdir, kernels_of(entries), notes),
    )


def _labels(measure: Mapping[str, Any]) -> dict[str, str]:
    """Return the metrics that every part of the comparison has."""
    parts = [measure[part] for part in PARTS if part in measure]
    return LABELS | {m: text for m, text in TOUCHED.items() if all(m in part for part in parts)}


def _profile(
    entries: Mapping[str, Entry], bench: Workbench, notes: list[str]
) -> dict[str, Any] | None:
    """Return what the profile holds and how much of the baseline kernel that is."""
    convert, baseline = entries.get("convert"), entries.get("install-baseline")
    if convert is None or baseline is None:
        return None
    known = dict(convert.facts)
    try:
        data = describe_profile(
            bench, convert.files["profile"].path, baseline.files["vmlinux"].path
        )
    except (ArtifactError, HostError) as error:
        notes.append(f"The profile cannot be looked into: {error.message}.")
        return known
    hot = [
        {"name": one["name"], "total": one["total"], "entry": one["entry"]}
        for one in data["hot"][:_HOT_SHOWN]
    ]
    return (
        known
        | {key: data[key] for key in _PROFILE_FACTS}
        | {
            "hot": hot,
            "workload": (data["provenance"] or {}).get("command")
            or (data["provenance"] or {}).get("workload", ""),
            "event": (data["provenance"] or {}).get("event", ""),
            "converter": (data["provenance"] or {}).get("converter", ""),
        }
    )


def write_report(report: Mapping[str, Any], output: Path, form: str) -> None:
    """Write a report as html, markdown or json. Raises ConfigError where it cannot be written."""
    from pkgafdo import files

    try:
        files.write_text(output, render_report(report, form))
    except (IsADirectoryError, NotADirectoryError) as error:
        raise ConfigError(
            f"{output} cannot be written", details=str(error), hint="Name a file with --output."
        ) from error


def render_report(report: Mapping[str, Any], form: str) -> str:
    """Return a report as html, markdown or json."""
    from pkgafdo.report.markdown import render_markdown
    from pkgafdo.report.page import render_page

    match form:
        case "html":
            return render_page(report)
        case "markdown":
            return render_markdown(report)
        case _:
            return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
