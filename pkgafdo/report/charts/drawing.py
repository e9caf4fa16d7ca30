"""All charts of a report, each drawn for a desk and for a phone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.charts.bars import movers_chart, steps_chart, suite_chart, timeline_chart
from pkgafdo.report.charts.curve import concentration_chart
from pkgafdo.report.charts.intervals import intervals_chart
from pkgafdo.report.charts.kinds import kinds_chart
from pkgafdo.report.charts.pages import pages_chart
from pkgafdo.report.charts.treemap import treemap_chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_WIDE: Final = 980.0
_HALF: Final = 460.0
_NARROW: Final = 330.0
_MOVERS_SHOWN: Final = 20
_COLUMNS: Final = 64
_COLOURS: Final = 10


def draw_charts(report: Mapping[str, Any], branches_at: int) -> dict[str, dict[str, str]]:
    """Return name → wide and narrow → SVG; branches_at is the place of taken branches in metrics."""
    return {
        name: {"wide": draw(f"{name}w", width=wide), "narrow": draw(f"{name}n", width=_NARROW)}
        for name, draw, wide in (*_measured(report, branches_at), *_recorded(report))
    }


def _measured(
    report: Mapping[str, Any], branches_at: int
) -> Iterator[tuple[str, Callable[..., str], float]]:
    for i, suite in enumerate(report["measure"]["suites"]):
        place = f"/measure/suites/{i}"
        yield f"suite{i}", partial(suite_chart, suite=suite, place=place), _HALF
        steps = partial(steps_chart, suite=suite, place=place, metric=branches_at)
        yield f"steps{i}", steps, _HALF
    for i, machine in enumerate(report["machine"]):
        drawn = partial(intervals_chart, machine=machine, place=f"/machine/{i}")
        yield f"machine{i}", drawn, _WIDE
    if report["timeline"]:
        yield "timeline", partial(timeline_chart, stages=report["timeline"]), _WIDE


def _recorded(report: Mapping[str, Any]) -> Iterator[tuple[str, Callable[..., str], float]]:
    where = report["where"]
    if where:
        yield "curve", partial(concentration_chart, where=where), _WIDE
    largest = max((one["branches"] for one in where), default=0)
    colours = subsystem_colours(where)
    for i, one in enumerate(where):
        place = f"/where/{i}"
        tree = partial(treemap_chart, where=one, place=place, largest=largest, colours=colours)
        yield f"tree{i}", tree, _WIDE
    if report["arcs"]:
        yield "kinds", partial(kinds_chart, arcs=report["arcs"]), _WIDE
    for i, one in enumerate(report["layout"]):
        yield f"pages{i}", partial(pages_chart, layout=one, columns=_COLUMNS), _HALF
    if movers := report["movers"].get("functions"):
        yield "movers", partial(movers_chart, movers=movers, most=_MOVERS_SHOWN), _WIDE


def subsystem_colours(where: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return a colour for each subsystem of the first kernel, the same in all pictures.

    The largest have one each, the many small ones share the last.
    """
    groups = where[0]["subsystems"] if where else ()
    return {group["name"]: min(i, _COLOURS - 1) for i, group in enumerate(groups)}
