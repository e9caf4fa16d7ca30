"""Facts about profiles as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.artifacts import SampleProfile
    from pkgafdo.profile.conversion import Conversion
    from pkgafdo.profile.provenance import Provenance

_MOST = 10
"""Functions that a list shows; --json has all."""


def render_conversion(output: Path, conversion: Conversion) -> str:
    """Return what came of a conversion."""
    profile, found = conversion.profile, conversion.quality.found
    lines = [
        f"{output}",
        f"  {profile.functions:,} functions, {profile.samples:,} samples, by {conversion.tool}",
        f"  {found.share:.1%} of {found.branches:,} kernel branches are in functions of vmlinux",
    ]
    lines += [f"  {sentence}" for sentence in conversion.passed_over]
    lines += [
        f"  module {one.name}: {one.why_not or f'{one.functions:,} functions'}"
        for one in conversion.modules
    ]
    return "\n".join(lines)


def render_merged(profile: SampleProfile, provenance: Provenance) -> str:
    """Return what came of a merge."""
    lines = [f"{profile.path}", f"  {profile.functions:,} functions, {profile.samples:,} samples"]
    lines += [f"  {weight:>6} × {digest[:16]}" for digest, weight in provenance.merged_from]
    return "\n".join(lines)


def render_info(data: Mapping[str, Any]) -> str:
    """Return a profile's totals, hot functions, coverage and provenance."""
    lines = [
        f"{data['path']} ({data['size']:,} bytes)",
        f"functions   {data['functions']:,}",
        f"samples     {data['samples']:,} in {data['blocks']:,} blocks",
    ]
    if coverage := data.get("coverage"):
        share = coverage["profiled_bytes"] / max(1, coverage["code_bytes"])
        lines += [
            (
                f"coverage    {coverage['profiled_functions']:,} of {coverage['functions']:,} functions, "
                f"{share:.1%} of the code; {coverage['foreign']:,} names are not in this kernel"
            ),
            f"density     {data['density']:,.1f} samples a byte in the sparsest hot function",
        ]
    lines += _provenance_lines(data["provenance"])
    lines += ["hot functions:"]
    total = max(1, data["functions_total"])
    lines += [f"  {one['total'] / total:7.2%}  {one['name']}" for one in data["hot"][:_MOST]]
    return "\n".join(lines)


def _provenance_lines(provenance: Mapping[str, Any] | None) -> list[str]:
    if provenance is None:
        return ["provenance  none: nobody knows which kernel and workload it is of"]
    from pkgafdo.profile.lineage import MISMATCH

    modules = ", ".join(sorted(provenance["modules"])) or "none"
    command = provenance.get("command")
    lines = [
        (
            f"kernel      {provenance['kernelrelease'] or 'unknown'}, "
            f"build-id {provenance['build_id'] or 'unknown'}"
        ),
        (
            f"workload    {provenance['workload'] or 'unknown'}, event "
            f"{provenance['event'] or 'unknown'}, {provenance['samples']:,} samples recorded"
        ),
        *([f"command     {command}"] if command else []),
        f"modules     {modules}",
        f"made by     {provenance['created_by'] or 'unknown'}, {provenance['converter']}",
    ]
    if not provenance["build_id_checked"]:
        lines.append("WARNING     not all that it was made of says its build-id")
    if count := len(provenance["unknown_origins"]):
        lines.append(f"WARNING     profiles without provenance went into it: {count}")
    if provenance["mismatch"]:
        lines.append(f"WARNING     {MISMATCH}")
    return lines


def render_comparison(data: Mapping[str, Any]) -> str:
    """Return how two profiles differ."""
    overlap = data["overlap"]
    lines = [
        f"similarity      {overlap['similarity']:.1%} (functions by their share of the samples)",
        f"sample overlap  {overlap['samples']:.1%}",
        f"hot functions   {overlap['hot_functions']:.1%}",
        f"gained          {len(data['gained']):,} functions: {_some(data['gained'])}",
        f"lost            {len(data['lost']):,} functions: {_some(data['lost'])}",
        "biggest movers:",
    ]
    lines += [
        f"  {one['before']:7.2%} → {one['after']:7.2%}  {one['name']}"
        for one in data["movers"][:_MOST]
    ]
    return "\n".join(lines)


def render_drift(data: Mapping[str, Any]) -> str:
    """Return how much of a profile fits a kernel."""
    lines = [
        f"{data['verdict']}",
        (
            f"functions   {data['function_share']:.1%} of the samples find their function "
            f"({data['functions_found']:,} of {data['functions']:,} functions)"
        ),
        (
            f"lines       {data['line_share']:.1%} of the hot functions' samples find their line, "
            f"{data['range_share']:.1%} lie within their function"
        ),
    ]
    for name, title in (("lost", "functions that are gone:"), ("moved", "functions that changed:")):
        if data[name]:
            lines.append(title)
            lines += [f"  {share:7.2%}  {function}" for function, share in data[name][:_MOST]]
    return "\n".join(lines)


def render_trimmed(data: Mapping[str, Any]) -> str:
    """Return what was kept of a profile."""
    return (
        f"{data['path']}\n"
        f"  {data['functions']:,} functions kept, {data['dropped']:,} left out; "
        f"{data['kept_share']:.2%} of the samples kept\n"
        f"  {data['size_before']:,} → {data['size']:,} bytes"
    )


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return shown + (" …" if len(names) > 5 else "") if names else "none"
