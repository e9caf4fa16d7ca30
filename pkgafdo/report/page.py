"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jinja2

from pkgafdo.report import numbers
from pkgafdo.report.charts.drawing import draw_charts
from pkgafdo.report.machine import tone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FILES: Final = resources.files("pkgafdo.report") / "files"
_BRANCHES: Final = "taken_branches"
_PER_OPERATION: Final = ("instructions", _BRANCHES)
_SECTIONS: Final = (
    ("compared", "Compared"), ("machine", "On the machine"), ("steps", "Steps"),
    ("sure", "How sure"), ("where", "Where"), ("arcs", "Jumps and calls"), ("movers", "Movers"),
    ("layout", "Layout"), ("profile", "Profile"), ("time", "Time"), ("origin", "Provenance"),
    ("repeat", "Repeat it"),
)  # fmt: skip

FORMS: Final[Mapping[str, Callable[[Any], str]]] = {
    "count": numbers.count,
    "percent": numbers.percent,
    "share": lambda value: numbers.percent(value, signed=False),
    "size": numbers.size,
    "duration": numbers.duration,
    "each": numbers.each,
    "fine": numbers.fine,
    "signed": numbers.signed,
    "ratio": numbers.ratio,
    "p": numbers.probability,
    "measured": numbers.measured,
}
"""How a number in the page is written; its element names the form."""


def lookup(report: object, pointer: str) -> Any:  # noqa: ANN401  JSON is any of its types
    """Return what a JSON pointer (RFC 6901, without escapes) points at."""
    place: Any = report
    for part in pointer.split("/")[1:]:
        place = place[int(part)] if isinstance(place, list) else place[part]
    return place


def render_page(report: Mapping[str, Any]) -> str:
    """Return the page of a report."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_file("report.html.j2"))
    css = _file("report.css")
    return template.render(
        r=report,
        say=lambda value, form: FORMS[form](value),
        at=lambda pointer: lookup(report, pointer),
        names=_names(report),
        branches_at=branches_at(report),
        sections=[pair for pair in _SECTIONS if _has(report, pair[0])],
        operations=_operations(report),
        tone=tone,
        charts=draw_charts(report, branches_at(report)),
        css=css,
        dark_css=_dark_without_script(css),
        js=_file("report.js"),
        # A closing tag inside the data must not end the element.
        json=json.dumps(report, ensure_ascii=False).replace("<", "\\u003c"),
    )


def _file(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _dark_without_script(css: str) -> str:
    """Return the dark colours for browsers that run no script and ask for dark ones."""
    start = css.index(':root[data-theme="dark"]')
    rule = css[start : css.index("}", start) + 1]
    rule = rule.replace(':root[data-theme="dark"]', ":root:not([data-theme])")
    return f"@media screen and (prefers-color-scheme: dark) {{ {rule} }}"


def _names(report: Mapping[str, Any]) -> list[str]:
    suites = report["measure"]["suites"]
    if suites:
        return [row["kernel"] for row in suites[0]["metrics"][0]["kernels"]]
    return [kernel["name"] for kernel in report["kernels"]]


def branches_at(report: Mapping[str, Any]) -> int:
    """Return the place of taken branches among the metrics."""
    for suite in report["measure"]["suites"]:
        return [metric["metric"] for metric in suite["metrics"]].index(_BRANCHES)
    return 0


def _operations(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps that do a known number of operations, with the places of their counts."""
    return [
        {
            "step": step["name"],
            "unit": step["unit"],
            "places": [
                f"/measure/suites/{s}/steps/{t}/metrics/{m}/kernels"
                for m, metric in enumerate(step["metrics"])
                if metric["metric"] in _PER_OPERATION
            ],
        }
        for s, suite in enumerate(report["measure"]["suites"])
        for t, step in enumerate(suite["steps"])
        if step["operations"]
    ]


def _has(report: Mapping[str, Any], section: str) -> bool:
    present = {
        "compared": report["measure"]["suites"],
        "steps": report["measure"]["suites"],
        "machine": report["machine"],
        "where": report["where"],
        "arcs": report["arcs"],
        "movers": report["movers"].get("functions"),
        "layout": report["layout"],
        "profile": report["profile"],
        "time": report["timeline"],
    }
    return bool(present.get(section, True))
