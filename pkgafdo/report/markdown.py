"""The report as markdown, for a release's notes or a mail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.numbers import count, duration, percent, signed, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SUBSYSTEMS: Final = 12
_MOVERS: Final = 15


def render_markdown(report: Mapping[str, Any]) -> str:
    """Return the report as markdown; what is not there is left out, and named at the top."""
    parts = (
        _verdict, _lacks, _compared, _steps, _sure, _where, _movers, _layout, _profile, _time,
        _origin, _repeat,
    )  # fmt: skip
    lines = [f"# {_line(report['title'])}: {_line(report['verdict']['headline'])}"]
    for part in parts:
        lines += part(report)
    return "\n".join(lines).rstrip() + "\n"


def _line(text: str) -> str:
    return re.sub(r"[\s]+", " ", text, flags=re.ASCII).strip()


def _cell(text: object) -> str:
    return _line(str(text)).replace("|", "\\|")


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> Iterator[str]:
    """Yield a table; the first `left` columns are texts, the others numbers."""
    yield ""
    yield f"| {' | '.join(map(_cell, head))} |"
    yield "|" + "---|" * left + "---:|" * (len(head) - left)
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _verdict(report: Mapping[str, Any]) -> Iterator[str]:
    verdict = report["verdict"]
    if verdict["says"]:
        yield f"\n**{verdict['says']}**"
    for claim in verdict["claims"]:
        yield (
            f"\n* {percent(claim['change'])} {claim['label']}, {claim['kernel']} kernel, on "
            f"“{claim['suite']}” ({claim['heading']})"
        )


def _lacks(report: Mapping[str, Any]) -> Iterator[str]:
    lines = [*report["missing"], *report["notes"]]
    if lines:
        yield "\n## What this report lacks\n"
        yield from (f"* {_line(line)}" for line in lines)


def _compared(report: Mapping[str, Any]) -> Iterator[str]:
    measure = report["measure"]
    if not measure["suites"]:
        return
    yield f"\n## Compared on the same work\n\nModel: {measure['model']}."
    for suite in measure["suites"]:
        names = [row["kernel"] for row in suite["metrics"][0]["kernels"]]
        yield f"\n“{suite['suite']}”, {suite['heading']}:"
        head = ["", names[0], *(word for name in names[1:] for word in (name, "change"))]
        rows = [
            [
                metric["label"],
                count(metric["kernels"][0]["count"]),
                *(
                    word
                    for row in metric["kernels"][1:]
                    for word in (count(row["count"]), percent(row["change"]))
                ),
            ]
            for metric in suite["metrics"]
        ]
        yield from _table(head, rows)


def _steps(report: Mapping[str, Any]) -> Iterator[str]:
    for suite in report["measure"]["suites"]:
        metrics = suite["steps"][0]["metrics"]
        last = metrics[0]["kernels"][-1]["kernel"]
        yield f"\nChanges in the steps of “{suite['suite']}”, {last} kernel:"
        rows = [
            [step["name"], *(percent(m["kernels"][-1]["change"]) for m in step["metrics"])]
            for step in suite["steps"]
        ]
        yield from _table(["step", *(metric["label"] for metric in metrics)], rows)


def _sure(report: Mapping[str, Any]) -> Iterator[str]:
    if report["verdict"]["uncertainty"]:
        yield "\n## How sure this is\n"
        yield from (f"* {line}" for line in report["verdict"]["uncertainty"])


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
        yield from _table(["subsystem", "taken branches", "share"], rows)


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
    yield from _table(head, rows, left=2)


def _layout(report: Mapping[str, Any]) -> Iterator[str]:
    if not report["layout"]:
        return
    yield "\n## Where hot code lies"
    keys = ("pages_touched", "pages_hot", "lines_touched", "lines_hot", "fetches")
    rows = [
        [
            one["kernel"],
            size(one["text_bytes"]),
            size(one["cold_bytes"]),
            *(count(one[key]) for key in keys),
        ]
        for one in report["layout"]
    ]
    head = ["kernel", "text", "cold parts", "pages touched", "hot pages", "lines touched"]
    head += ["hot lines", "fetches"]
    yield from _table(head, rows)


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
        yield from _table(["stage", "took"], rows)


def _origin(report: Mapping[str, Any]) -> Iterator[str]:
    if report["provenance"]:
        yield "\n## Where it comes from"
        rows = [[row["what"], f"`{row['value']}`"] for row in report["provenance"]]
        yield from _table(["what", "value"], rows, left=2)


def _repeat(report: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Repeat it"
    for one in report["commands"]:
        yield f"\n{one['title']}:\n"
        yield from (f"    {line}" for command in one["commands"] for line in command.splitlines())
