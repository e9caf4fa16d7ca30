"""The report of a run: everything that its journal and files tell, as one page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import elf, log
from pkgafdo.branches.store import read_table
from pkgafdo.errors import ArtifactError, CommandError, ConfigError, HostError
from pkgafdo.measure.counts import LABELS, TOUCHED
from pkgafdo.measure.noise import floor_of
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.profile.info import plain_name
from pkgafdo.profile.source_lines import symbolizer_command
from pkgafdo.profile.tools import sibling_tool
from pkgafdo.report.data import Facts, Recorded, build_report
from pkgafdo.report.layout import layout_of
from pkgafdo.report.places import cold_bytes, group_places, places_of, source_in_tree
from pkgafdo.workflows.judging import describe_profile
from pkgafdo.workflows.measure_stages import counts_of
from pkgafdo.workflows.profiles import Workbench
from pkgafdo.workflows.repeat import read_repeats
from pkgafdo.workflows.report_facts import (
    commands_of,
    kernels_of,
    notes_of,
    provenance_of,
    timeline_of,
)
from pkgafdo.workflows.result import PARTS, measure_of
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.report.places import Place
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
            hint=f"Run `pkgafdo run --workdir {workdir}` first.",
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
    return output


def facts_of(workdir: Path, entries: Mapping[str, Entry], bench: Workbench) -> Facts:
    """Gather what a report shows; a file that cannot be read any more becomes a note."""
    notes = notes_of(entries, version())
    measure = measure_of(entries) or {"model": ""}
    source = entries.get("source")
    return Facts(
        title=f"Linux {source.facts['version']}" if source else "Linux",
        version=version(),
        kernels=kernels_of(entries),
        model=measure["model"],
        labels=_labels(measure),
        suites={part: (text, measure[part]) for part, text in PARTS.items() if part in measure},
        recordings=_recordings(workdir, entries, bench, notes),
        profile=_profile(entries, bench, notes),
        checks=entries["verify"].facts["checks"] if "verify" in entries else (),
        timeline=timeline_of(entries),
        provenance=provenance_of(entries),
        commands=commands_of(entries, workdir),
        notes=notes,
        noise=_noise(entries),
        repeats=read_repeats(workdir, entries),
    )


def _noise(entries: Mapping[str, Entry]) -> dict[str, Any] | None:
    """Return how a second build of the baseline differs, where one was counted."""
    for part in reversed(list(PARTS)):
        one, twin = (entries.get(f"measure-{part}-{which}") for which in ("baseline", "twin"))
        if one is not None and twin is not None:
            return floor_of(counts_of(one), counts_of(twin))
    return None


def _labels(measure: Mapping[str, Any]) -> dict[str, str]:
    """Return the metrics that every part of the comparison has."""
    parts = [measure[part] for part in PARTS if part in measure]
    return LABELS | {m: text for m, text in TOUCHED.items() if all(m in part for part in parts)}


def _recordings(
    workdir: Path, entries: Mapping[str, Entry], bench: Workbench, notes: list[str]
) -> list[Recorded]:
    """Return what the run's recordings say, in the order of the kernels that they were made on."""
    tables: dict[str, BranchTable] = {}
    for path in sorted((workdir / "recordings").glob("*.parquet")):
        try:
            table = read_table(path)
        except ArtifactError as error:
            notes.append(f"{error.message}; it is left out.")
            continue
        tables.setdefault(table.meta.build_id, table)
    found = []
    for kernel in kernels_of(entries):
        if recorded := tables.get(kernel["build_id"]):
            try:
                found.append(_recorded(kernel, recorded, _roots(entries), bench, notes))
            except ArtifactError as error:
                notes.append(f"The {kernel['name']} kernel cannot be looked into: {error.message}.")
    return found


def _roots(entries: Mapping[str, Entry]) -> list[str]:
    """Return the folders that the kernels' sources and generated sources were compiled in."""
    source = entries.get("source")
    objects = [entry.facts["objects"] for entry in entries.values() if "objects" in entry.facts]
    return [*objects, *([source.facts["path"]] if source else [])]


def _recorded(
    kernel: Mapping[str, Any],
    table: BranchTable,
    roots: Sequence[str],
    bench: Workbench,
    notes: list[str],
) -> Recorded:
    vmlinux = Path(kernel["vmlinux"])
    symbols = elf.symbols(vmlinux)
    bounds = elf.text_bounds(vmlinux)
    places = places_of(table, symbols, plain_name)
    try:
        sources = _sources(bench, vmlinux, places, roots)
    except (CommandError, HostError) as error:
        notes.append(f"Functions have no subsystem: {error.message}.")
        sources = {}
    return Recorded(
        kernel=kernel["name"],
        suite=table.meta.extra.get("workload", ""),
        branches=table.branches,
        subsystems=group_places(places, sources),
        layout=layout_of(table, bounds.stext or 0, bounds.etext or 0)
        | {"cold_bytes": cold_bytes(symbols)},
        exact=table.meta.period == 1,
    )


def _sources(
    bench: Workbench, vmlinux: Path, places: Sequence[Place], roots: Sequence[str]
) -> dict[str, str]:
    """Return the source file of each function that has a line table, inside the kernel tree."""
    symbolizer = sibling_tool(bench.runner, bench.toolchain, "llvm-symbolizer")
    asked = [place for place in places if place.address]
    command = symbolizer_command(symbolizer, vmlinux, [place.address for place in asked])
    answers = bench.runner.query(command).stdout.splitlines()
    sources = {}
    for place, answer in zip(asked, answers, strict=False):
        frames = json.loads(answer).get("Symbol") or [{}]
        path = frames[-1].get("StartFileName") or frames[-1].get("FileName") or ""
        sources[place.name] = source_in_tree(path, roots) if path else ""
    return sources


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
            "workload": (data["provenance"] or {}).get("workload", ""),
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
    log.step(f"the report is in {output}")


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
