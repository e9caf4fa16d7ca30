"""What was measured, as markdown: kernels compared, benchmarks, steps, operations, and how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pkgafdo.report.markdown_tables import line, table
from pkgafdo.report.numbers import (
    count,
    each,
    fine,
    measured,
    percent,
    probability,
    ratio,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def compared(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the totals of every suite."""
    measure = report["measure"]
    if not measure["suites"]:
        return
    yield f"\n## Compared on the same work\n\nModel: {measure['model']}."
    for suite in measure["suites"]:
        names = [row["kernel"] for row in suite["metrics"][0]["kernels"]]
        yield f"\n“{suite['suite']}”, {suite['heading']}:"
        head = ["", names[0], *(word for name in names[1:] for word in (name, "change"))]
        head += ["floor"] * (suite["metrics"][0]["floor"] is not None)
        rows = [
            [
                metric["label"],
                count(metric["kernels"][0]["count"]),
                *(
                    word
                    for row in metric["kernels"][1:]
                    for word in (count(row["count"]), _judged(row))
                ),
                *([] if metric["floor"] is None else [fine(metric["floor"])]),
            ]
            for metric in suite["metrics"]
        ]
        yield from table(head, rows)


def _judged(row: Mapping[str, Any]) -> str:
    """Return a change; in brackets when it is no larger than what layout alone changes."""
    text = percent(row["change"])
    return f"({text})" if row["clear"] is False else text


def machine(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the benchmarks of this machine."""
    if report["machine"]:
        yield "\n## Time on this machine"
    head = ["", "unit", "verdict", "before", "after", "change", "95 % from", "to", "p", "p, Holm"]
    for one in report["machine"]:
        yield f"\n{one['says']}"
        rows = [
            [
                row["name"],
                f"{row['unit']}, {'less' if row['lower'] else 'more'} is better",
                row["verdict"],
                *(measured(row[key]) for key in ("median_before", "median_after")),
                *(ratio(row[key]) for key in ("ratio", "low", "high")),
                *(probability(row[key]) for key in ("p", "p_suite")),
                fine(row["floor"]),
            ]
            for row in one["benchmarks"]
        ]
        yield from table([*head, "floor"], rows, left=3)
        yield ""
        yield from (f"* differs: {line(text)}" for text in one["differences"])
        yield from (f"* {line(text)}" for text in one["notes"])


def steps(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield how each step changed."""
    for suite in report["measure"]["suites"]:
        metrics = suite["steps"][0]["metrics"]
        last = metrics[0]["kernels"][-1]["kernel"]
        yield f"\nChanges in the steps of “{suite['suite']}”, {last} kernel:"
        rows = [
            [step["name"], *(percent(m["kernels"][-1]["change"]) for m in step["metrics"])]
            for step in suite["steps"]
        ]
        yield from table(["step", *(metric["label"] for metric in metrics)], rows)


def operations(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a single operation costs before and after."""
    rows = [
        [step["name"], step["unit"], *_costs(step)]
        for suite in report["measure"]["suites"]
        for step in suite["steps"]
        if step["operations"]
    ]
    if rows:
        yield "\nFor each operation:"
        head = [
            "step",
            "operation",
            *("instructions", "after", "change"),
            *("branches", "after", "change"),
        ]
        yield from table(head, rows, left=2)


def _costs(step: Mapping[str, Any]) -> Iterator[str]:
    for metric in step["metrics"]:
        if metric["metric"] in {"instructions", "taken_branches"}:
            first, last = metric["kernels"][0], metric["kernels"][-1]
            yield from (each(one["per_operation"]) for one in (first, last))
            yield percent(last["change"])


def sure(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield how sure all this is."""
    if report["verdict"]["uncertainty"]:
        yield "\n## How sure this is\n"
        yield from (f"* {text}" for text in report["verdict"]["uncertainty"])
