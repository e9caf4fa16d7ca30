"""Benchmarks on a machine: each change with its interval, over the machine's own noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.charts.canvas import BAD, CARD, EMPTY, GOOD, INK, MUTED, canvas, settings
from pkgafdo.report.numbers import percent, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from pkgafdo.report.charts.canvas import Canvas

_ROW: Final = 30
_TALL: Final = 40
_NAMES: Final = 290
_ROOMY: Final = 600
_HEAD: Final = 30
_COLOURS: Final = {"better": GOOD, "worse": BAD}


def intervals_chart(name: str, *, machine: Mapping[str, Any], place: str, width: float) -> str:
    """Draw the change of each benchmark's median, its 95 % interval and the noise floor as a band."""
    rows = machine["benchmarks"]
    # Where there is no room beside the marks, names stand above them.
    above = width < _ROOMY
    with settings():
        drawing = canvas(name, width, _HEAD + (_TALL if above else _ROW) * len(rows) + 6)
        axes = drawing.axes(8 if above else _NAMES, _HEAD, 12, 6)
        least, most = _reach(machine)
        axes.set_xlim(least, most)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks([])  # names take their place where there is room
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.xaxis.set_major_formatter(lambda value, _: percent(value))
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="x", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        axes.axvline(0, color=MUTED, linewidth=1.5)
        for number, row in enumerate(rows):
            middle = number + (0.16 if above else 0)
            _row(drawing, axes, row, middle, f"{place}/benchmarks/{number}")
            if above:
                axes.text(least, number - 0.2, _words(row), va="center", fontsize=12, color=INK)
        if not above:
            axes.set_yticks(range(len(rows)), [_words(row) for row in rows])
        return drawing.svg(f"{machine['kernel']} kernel: change of each benchmark on this machine")


def _reach(machine: Mapping[str, Any]) -> tuple[float, float]:
    """Return the ends of the scale: all that is drawn, and some air."""
    ends = [0.01, -0.01]
    for row in machine["benchmarks"]:
        ends += [
            value - 1 for value in (row["ratio"], row["low"], row["high"]) if value is not None
        ]
        ends += [row["floor"] or 0.0, -(row["floor"] or 0.0)]
    air = (max(ends) - min(ends)) * 0.06
    return min(ends) - air, max(ends) + air


def _row(drawing: Canvas, axes: Axes, row: Mapping[str, Any], middle: float, place: str) -> None:
    from matplotlib.patches import Rectangle

    colour = _COLOURS.get(row["verdict"], MUTED)
    if row["floor"]:
        band = Rectangle(
            (-row["floor"], middle - 0.24), 2 * row["floor"], 0.48, facecolor=EMPTY, zorder=0.8
        )
        axes.add_patch(band)
    if row["low"] is not None:
        axes.plot([row["low"] - 1, row["high"] - 1], [middle] * 2, color=colour, linewidth=3)
    (dot,) = axes.plot(
        row["ratio"] - 1, middle, "o", markersize=11, color=colour, markeredgecolor=CARD, zorder=3
    )
    interval = f" ({ratio(row['low'])} … {ratio(row['high'])})" if row["low"] is not None else ""
    said = f"{row['name']}: {ratio(row['ratio'])}{interval}, {row['verdict']}"
    drawing.mark(dot, said, f"{place}/ratio")


def _words(row: Mapping[str, Any]) -> str:
    return f"{row['name']}, {'less' if row['lower'] else 'more'} is better"
