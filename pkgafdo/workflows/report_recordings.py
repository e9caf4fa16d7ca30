"""What the recordings of a run say of its kernels, for the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import elf
from pkgafdo.branches.store import read_table
from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.profile.info import plain_name
from pkgafdo.profile.source_lines import symbolizer_command
from pkgafdo.profile.tools import sibling_tool
from pkgafdo.report.data import Recorded
from pkgafdo.report.layout import layout_of
from pkgafdo.report.places import cold_bytes, group_places, places_of, source_in_tree
from pkgafdo.workflows.report_arcs import read_arcs
from pkgafdo.workflows.report_facts import kernels_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.report.arcs import Arcs
    from pkgafdo.report.places import Place
    from pkgafdo.workflows.profiles import Workbench


def read_recordings(
    workdir: Path, entries: Mapping[str, Entry], bench: Workbench, notes: list[str]
) -> tuple[list[Recorded], list[Arcs]]:
    """Return what the run's recordings say, in the order of the kernels that they were made on."""
    tables: dict[str, BranchTable] = {}
    for path in _recording_paths(workdir, entries):
        try:
            table = read_table(path)
        except ArtifactError as error:
            notes.append(f"{error.message}; it is left out.")
            continue
        tables.setdefault(table.meta.build_id, table)
    found: list[Recorded] = []
    arcs: list[Arcs] = []
    for kernel in kernels_of(entries):
        if recorded := tables.get(kernel["build_id"]):
            try:
                found.append(_recorded(kernel, recorded, _roots(entries), bench, notes))
                arcs += _arcs(kernel, recorded, bench, notes)
            except ArtifactError as error:
                notes.append(f"The {kernel['name']} kernel cannot be looked into: {error.message}.")
    return found, arcs


def _recording_paths(workdir: Path, entries: Mapping[str, Entry]) -> list[Path]:
    """Return the run's recordings: those of its stages before others that lie beside them."""
    own = [entry.files["table"].path for entry in entries.values() if "table" in entry.files]
    beside = sorted((workdir / "recordings").glob("*.parquet"))
    return list(dict.fromkeys(path for path in (*own, *beside) if path.is_file()))


def _arcs(
    kernel: Mapping[str, Any], table: BranchTable, bench: Workbench, notes: list[str]
) -> list[Arcs]:
    """Return the arcs of a kernel, if its recording tells them."""
    try:
        symbolizer = sibling_tool(bench.runner, bench.toolchain, "llvm-symbolizer")
        arcs = read_arcs(bench.runner, symbolizer, kernel["name"], Path(kernel["vmlinux"]), table)
    except (CommandError, HostError) as error:
        notes.append(
            f"What became of the {kernel['name']} kernel’s jumps is unknown: {error.message}."
        )
        return []
    return [arcs] if arcs else []


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
