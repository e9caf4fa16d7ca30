"""The report as markdown, for a release's notes or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.markdown_measured import compared, machine, operations, steps, sure
from pkgafdo.report.markdown_tables import line, table
from pkgafdo.report.numbers import count, duration, percent, signed, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUBSYSTEMS: Final = 12
_MOVERS: Final = 15


def render_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as markdown; what is not there is left out, and named at the top."""
    parts = (
        _verdict, _lacks, compared, machine, steps, operations, sure, _where, _arcs, _movers,
        _layout, _profile, _time, _origin, _repeat,
    )  # fmt: skip
    lines = [f"# {line(report['title'])}: {line(report['verdict']['headline'])}"]
    for part in parts:
        lines += part(report)
    return "\n".join(lines).rstrip() + "\n"


def _verdict(report: Mapping[str, Any]) -> Iterator[str]:
    verdict = report["verdict"]
    if verdict["says"]:
        yield f"\n**{verdict['says']}**"
    for claim in verdict["claims"]:
        yield (
            f"\n* {percent(claim['change'])} {claim['label']}, {claim['kernel']} kernel, on "
            f"“{claim['suite']}” ({claim['heading']})"
        )
    for text in verdict["machine"]:
        yield f"\n* {text}"


def _lacks(report: Mapping[str, Any]) -> Iterator[str]:
    lines = [*report["missing"], *report["notes"]]
    if lines:
        yield "\n## What this report lacks\n"
        yield from (f"* {line(text)}" for text in lines)


def _where(report: Mapping[str, Any]) -> Iterator[str]:
    if not report["where"]:
        return
    yield "\n## Where the kernel branches"
    for one in report["where"]:
        yield f"\n{one['kernel']}, “{one['suite']}”: {count(one['branches'])} taken branches"
        rows = [
            [group["name"], count(group["count"]), percent(group["share"], signed=False)]
            for group in one["subsystems"][:_SUBSYSTEMS]
        ]
        yield from table(["subsystem", "taken branches", "share"], rows)


def _arcs(report: Mapping[str, Any]) -> Iterator[str]:
    arcs = report["arcs"]
    if not arcs:
        return
    yield "\n## What became of the jumps"
    names = [row["kernel"] for row in arcs["kinds"][0]["kernels"]]
    head = ["taken", names[0], *(word for name in names[1:] for word in (name, "change"))]
    rows = [
        [
            one["kind"],
            count(one["kernels"][0]["count"]),
            *(
                word
                for row in one["kernels"][1:]
                for word in (count(row["count"]), percent(row["change"]))
            ),
        ]
        for one in arcs["kinds"]
    ]
    yield from table(head, rows)
    jumps = arcs["classes"][0]
    yield (
        f"\nOf {count(jumps['before'])} executions of taken jumps of the {arcs['before']} kernel, "
        f"{percent(jumps['gone_share'], signed=False)} are not taken in the {arcs['after']} kernel: "
        "they fall through there, or their code was inlined, deleted or moved to another line. "
        f"{count(jumps['new'])} are taken there only."
    )


def _movers(report: Mapping[str, Any]) -> Iterator[str]:
    movers = report["movers"]
    if not movers.get("functions"):
        return
    yield "\n## Biggest movers"
    rows = [
        [
            f"`{row['name']}`",
            row["subsystem"],
            count(row["before"]),
            count(row["after"]),
            signed(row["difference"]),
        ]
        for row in movers["functions"][:_MOVERS]
    ]
    head = ["function", "subsystem", movers["before"], movers["after"], "difference"]
    yield from table(head, rows, left=2)


def _layout(report: Mapping[str, Any]) -> Iterator[str]:
    if not report["layout"]:
        return
    yield "\n## Where hot code lies"
    keys = ("pages_touched", "pages_hot", "lines_touched", "lines_hot", "fetches")
    rows = [
        [
            one["kernel"],
            size(one["text_bytes"]),
            *(size(one[key]) for key in ("cold_bytes", "executed_bytes", "hot_bytes")),
            *(count(one[key]) for key in keys),
        ]
        for one in report["layout"]
    ]
    head = [
        "kernel",
        "text",
        "cold parts",
        "executed",
        "hot",
        "pages touched",
        "hot pages",
        "lines touched",
    ]
    head += ["hot lines", "fetches"]
    yield from table(head, rows)


def _profile(report: Mapping[str, Any]) -> Iterator[str]:
    profile = report["profile"]
    if not profile:
        return
    yield "\n## The profile\n"
    yield f"* {count(profile['functions'])} functions, {count(profile['samples'])} samples"
    if "found_share" in profile:
        share = percent(profile["found_share"], signed=False)
        yield f"* {share} of the branches are in a known function"
    if coverage := profile.get("coverage"):
        yield (
            f"* it speaks of {count(coverage['profiled_functions'])} of the kernel’s "
            f"{count(coverage['functions'])} functions"
        )


def _time(report: Mapping[str, Any]) -> Iterator[str]:
    if report["timeline"]:
        yield "\n## What it took"
        rows = [[one["title"], duration(one["seconds"])] for one in report["timeline"]]
        yield from table(["stage", "took"], rows)


def _origin(report: Mapping[str, Any]) -> Iterator[str]:
    if report["provenance"]:
        yield "\n## Where it comes from"
        rows = [[row["what"], f"`{row['value']}`"] for row in report["provenance"]]
        yield from table(["what", "value"], rows, left=2)


def _repeat(report: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Repeat it"
    for one in report["commands"]:
        yield f"\n{one['title']}:\n"
        yield from (f"    {line}" for command in one["commands"] for line in command.splitlines())
