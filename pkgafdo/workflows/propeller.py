"""Laying out a kernel's blocks and functions from a recording of it, and looking at a layout."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.branches.filters import drop_bogus_ranges
from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.google import lay_out_with_google, require_google
from pkgafdo.propeller.read import read_profiles
from pkgafdo.propeller.settings import GraphLimits, LayoutSettings
from pkgafdo.propeller.write import cc_profile_path, ld_profile_path, write_profiles

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.propeller.graph import Coverage, ProgramGraph
    from pkgafdo.propeller.layout import Layout
    from pkgafdo.propeller.score import Expected
    from pkgafdo.runner.base import Runner


class LayoutTool(StrEnum):
    """What works a layout out."""

    OWN = "own"
    GOOGLE = "google"


def layout(
    runner: Runner,
    vmlinux: Path,
    table: BranchTable,
    prefix: Path,
    *,
    settings: LayoutSettings | None = None,
    limits: GraphLimits | None = None,
    tool: LayoutTool = LayoutTool.OWN,
    allow_mismatch: bool = False,
) -> dict[str, Any]:
    """Write PREFIX_cc_profile.txt and PREFIX_ld_profile.txt; return what is in them, JSON-plain.

    vmlinux is the unstripped kernel with the address map that was recorded. Raises ArtifactError
    when it has none, is another kernel than the recorded one, or the recording is too thin.
    """
    from pkgafdo.propeller.cfg import find_mismatch
    from pkgafdo.propeller.layout import lay_out

    if tool is LayoutTool.GOOGLE:
        require_google(runner)
    settings = settings or LayoutSettings()
    graph = read_graph(vmlinux, table, limits=limits, allow_mismatch=allow_mismatch)
    prefix.parent.mkdir(parents=True, exist_ok=True)
    mismatch = find_mismatch(vmlinux, table)
    extra: dict[str, Any] = {"tool": tool.value, "method": None, "mismatch": mismatch}
    if tool is LayoutTool.GOOGLE:
        lay_out_with_google(runner, vmlinux, table, prefix)
    else:
        found = lay_out(graph, settings)
        _require_functions(found, graph, settings)
        write_profiles(found, prefix, comment=mismatch)
        extra |= {
            "method": settings.blocks.value,
            "hot_bytes": found.hot_bytes,
            "cold_bytes": found.cold_bytes,
        }
    return describe(prefix) | extra | describe_expected(prefix, graph)


def _require_functions(layout: Layout, graph: ProgramGraph, settings: LayoutSettings) -> None:
    """Raise ArtifactError for a layout of nothing."""
    if not layout.functions:
        raise ArtifactError(
            "No function of this kernel can be laid out by this recording",
            details=f"{layout.left_alone:,} of {graph.functions:,} executed functions must stay: they "
            "are outside .text or in a part of it with a fixed order, have no symbol, or share their "
            "name and nothing tells them apart.\n"
            f"Of the others no block was executed {settings.cold_below:,} times.",
            hint="Name a vmlinux with its symbols and debug information, and a recording of a workload "
            "that spends more time in the kernel.",
        )


def read_graph(
    vmlinux: Path,
    table: BranchTable,
    *,
    limits: GraphLimits | None = None,
    allow_mismatch: bool = False,
) -> ProgramGraph:
    """Return the control-flow graph of a recorded kernel, its bogus ranges left out."""
    from pkgafdo.propeller.cfg import build_graph

    graph = build_graph(
        vmlinux, drop_bogus_ranges(table), limits or GraphLimits(), allow_mismatch=allow_mismatch
    )
    coverage = graph.coverage
    log.note(
        f"{graph.functions:,} of {coverage.map_functions:,} functions executed; "
        f"{coverage.share:.2%} of the branches into them found their place"
    )
    return graph


def describe(prefix: Path) -> dict[str, Any]:
    """Return what the two profiles of a prefix hold, JSON-plain."""
    profiles = read_profiles(prefix)
    clusters = [len(function.clusters) for function in profiles.functions]
    blocks = [len(cluster) for function in profiles.functions for cluster in function.clusters]
    return {
        "cc_profile": str(cc_profile_path(prefix)),
        "ld_profile": str(ld_profile_path(prefix)),
        "functions": len(profiles.functions),
        "clusters": sum(clusters),
        "blocks": sum(blocks),
        "with_module": sum(function.module is not None for function in profiles.functions),
        "symbols": len(profiles.symbols),
    }


def judge(
    prefix: Path,
    vmlinux: Path,
    table: BranchTable,
    *,
    limits: GraphLimits | None = None,
    allow_mismatch: bool = False,
) -> dict[str, Any]:
    """Return what a prefix's profiles are worth on a recorded kernel, JSON-plain."""
    from pkgafdo.propeller.cfg import find_mismatch

    graph = read_graph(vmlinux, table, limits=limits, allow_mismatch=allow_mismatch)
    return describe_expected(prefix, graph) | {"mismatch": find_mismatch(vmlinux, table)}


def describe_expected(prefix: Path, graph: ProgramGraph) -> dict[str, Any]:
    """Return what is to be expected of a prefix's profiles on a recorded kernel, JSON-plain."""
    from pkgafdo.propeller.inspection import inspect_profiles

    found = inspect_profiles(graph, read_profiles(prefix))
    return {
        "executed_functions": graph.functions,
        "left_alone": int((~graph.movable).sum()),
        "known_functions": found.known,
        "unknown_functions": list(found.unknown),
        "wrong_blocks": list(found.wrong_blocks),
        "unusable": list(found.unusable),
        "executed_share": found.executed_share,
        "before": _expected(found.before),
        "after": _expected(found.after),
        "coverage": describe_coverage(graph.coverage),
    }


def _expected(expected: Expected) -> dict[str, Any]:
    return asdict(expected) | {"fall_through_share": expected.fall_through_share}


def describe_coverage(coverage: Coverage) -> dict[str, Any]:
    """Return what became of a recording's branches, JSON-plain."""
    return asdict(coverage) | {"placed": coverage.placed, "share": coverage.share}


def render(facts: dict[str, Any]) -> str:
    """Return what `layout` or an inspection says, as text for a person."""
    size = (
        f"functions     {facts['functions']:,} in {facts['clusters']:,} clusters with "
        f"{facts['blocks']:,} blocks; {facts['symbols']:,} symbols in order"
    )
    lines = [facts["cc_profile"], facts["ld_profile"], size]
    if "coverage" in facts:
        lines += _expectations(facts)
    return "\n".join(lines)


def _expectations(facts: dict[str, Any]) -> list[str]:
    """Return what `describe_expected` says, as lines."""
    coverage, before, after = facts["coverage"], facts["before"], facts["after"]
    executed = (
        f"executed      {facts['executed_functions']:,} of {coverage['map_functions']:,} functions "
        f"with a map, {facts['left_alone']:,} of them must stay; the clusters hold "
        f"{facts['executed_share']:.1%} of what was executed"
    )
    branches = (
        f"branches      {coverage['total']:,} taken: {coverage['edges']:,} within functions, "
        f"{coverage['calls']:,} calls, {coverage['returns']:,} returns, {coverage['outside']:,} "
        f"elsewhere, {coverage['lost']:,} without a place"
    )
    ranges = (
        f"ranges        {coverage['ranges']:,} between them, {coverage['ranges_lost']:,} without a "
        f"place; {coverage['imbalance']:.2%} of the executed blocks are out of balance"
    )
    falls = (
        f"fall-through  {before['fall_through_share']:.1%} before, "
        f"{after['fall_through_share']:.1%} after: {before['jumping']:,} jumps become "
        f"{after['jumping']:,}"
    )
    lines = [executed, branches, ranges, falls]
    for what, names in (
        ("not executed", facts["unknown_functions"]),
        ("other blocks", facts["wrong_blocks"]),
        ("not usable", facts["unusable"]),
    ):
        if names:
            more = f" … ({len(names):,} in all)" if len(names) > 5 else ""
            lines.append(f"{what}  {', '.join(names[:5])}{more}")
    return lines
