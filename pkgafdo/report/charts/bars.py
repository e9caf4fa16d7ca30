"""Bars and dots: kernels against their baseline, functions that moved, stages in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.charts.canvas import (
    BAD,
    CARD,
    EMPTY,
    GOOD,
    INK,
    KERNELS,
    LINE,
    MUTED,
    canvas,
    settings,
)
from pkgafdo.report.numbers import count, duration, percent, short, signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

_BAR: Final = 20
_GAP: Final = 18
_ROOMY: Final = 600


def _bare(axes: Axes) -> None:
    axes.set_yticks([])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)


def suite_chart(name: str, *, suite: Mapping[str, Any], place: str, width: float) -> str:
    """Draw a suite's totals, each metric relative to the baseline; place is the suite's JSON pointer."""
    metrics = suite["metrics"]
    rows = len(metrics[0]["kernels"])
    block = rows * _BAR + 24 + _GAP
    with settings():
        drawing = canvas(name, width, block * len(metrics))
        axes = drawing.axes(0, 0, 62, 0)
        _bare(axes)
        axes.set_xlim(0, max(1.0, *(_relative(row) for m in metrics for row in m["kernels"])))
        axes.set_ylim(block * len(metrics), 0)
        for number, metric in enumerate(metrics):
            top = number * block
            axes.text(0, top + 15, metric["label"], va="baseline", fontsize=13, weight="bold")
            for order, row in enumerate(metric["kernels"]):
                middle = top + 24 + (order + 0.5) * _BAR
                key = f"{place}/metrics/{number}/kernels/{order}/count"
                bars = axes.barh(
                    middle, _relative(row), height=_BAR - 3, color=KERNELS[order % len(KERNELS)]
                )
                drawing.mark(
                    bars[0],
                    f"{row['kernel']}: {count(row['count'])} {metric['label']}"
                    + (f" ({percent(row['change'])})" if order else ""),
                    key,
                )
                said = percent(row["change"]) if order else short(row["count"])
                axes.text(
                    _relative(row), middle, f"\u00a0{said}", va="center",
                    fontsize=12, weight="bold" if order else "normal", color=INK if order else MUTED,
                )  # fmt: skip
        return drawing.svg(f"{suite['suite']}: every metric relative to the baseline")


def _relative(row: Mapping[str, Any]) -> float:
    return 1.0 + (row["change"] or 0.0)


def steps_chart(
    name: str, *, suite: Mapping[str, Any], place: str, metric: int, width: float
) -> str:
    """Draw the change of one metric in each step, a dot a kernel, the baseline as a line."""
    steps = suite["steps"]
    label = steps[0]["metrics"][metric]["label"]
    row_height, head = 26, 30
    with settings():
        drawing = canvas(name, width, head + row_height * len(steps) + 12)
        axes = drawing.axes(118, head, 24, 12)
        changes = [
            row["change"] or 0.0 for step in steps for row in step["metrics"][metric]["kernels"]
        ]
        axes.set_xlim(min(-0.1, *changes) * 1.06, max(0.02, *changes) * 1.15)
        axes.set_ylim(len(steps) - 0.5, -0.5)
        axes.set_yticks(range(len(steps)), [step["name"] for step in steps])
        axes.tick_params(length=0)
        axes.xaxis.tick_top()
        axes.xaxis.set_major_formatter(lambda value, _: percent(value).replace(".0", ""))
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="x", linewidth=0.8)
        axes.spines[:].set_visible(False)
        axes.axvline(0, color=KERNELS[0], linewidth=2)
        for number, step in enumerate(steps):
            rows = step["metrics"][metric]["kernels"]
            if floor := step["metrics"][metric]["floor"]:
                axes.barh(number, 2 * floor, left=-floor, height=0.8, color=EMPTY, zorder=0.6)
            for order, row in list(enumerate(rows))[1:]:
                if row["change"] is None:
                    continue
                axes.plot([0, row["change"]], [number, number], color=LINE, linewidth=3, zorder=1)
                (dot,) = axes.plot(
                    row["change"], number, "o", markersize=11, zorder=3,
                    color=KERNELS[order % len(KERNELS)], markeredgecolor=CARD,
                )  # fmt: skip
                drawing.mark(
                    dot,
                    f"{step['name']}, {row['kernel']}: {count(row['count'])} {label}, "
                    f"{percent(row['change'])} against {count(rows[0]['count'])}",
                    f"{place}/steps/{number}/metrics/{metric}/kernels/{order}/change",
                )
        return drawing.svg(f"{suite['suite']}: change of {label} in each step")


def movers_chart(name: str, *, movers: Sequence[Mapping[str, Any]], width: float, most: int) -> str:
    """Draw the functions whose counts changed most, fewer to the left and more to the right."""
    shown = movers[:most]
    row_height = 24
    with settings():
        drawing = canvas(name, width, row_height * len(shown) + 8)
        axes = drawing.axes(4, 4, 4, 4)
        _bare(axes)
        reach = max(abs(row["difference"]) for row in shown) or 1
        axes.set_xlim(-reach * 1.25, reach * 1.25)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.axvline(0, color=LINE, linewidth=1.5)
        for number, row in enumerate(shown):
            fewer = row["difference"] < 0
            bars = axes.barh(number, row["difference"], height=0.72, color=GOOD if fewer else BAD)
            drawing.mark(
                bars[0],
                f"{row['name']} ({row['subsystem']}): {count(row['before'])} → "
                f"{count(row['after'])}, {signed(row['difference'])}",
                f"/movers/functions/{number}/difference",
            )
            room = int(width / 2 / 7.2)
            axes.text(
                reach * (0.02 if fewer else -0.02), number, _clipped(row["name"], room),
                va="center", ha="left" if fewer else "right", fontsize=12,
            )  # fmt: skip
            axes.text(
                row["difference"], number, f"\u00a0{short(row['difference'])}\u00a0",
                va="center", ha="right" if fewer else "left", fontsize=11, color=MUTED,
            )  # fmt: skip
        return drawing.svg("functions whose taken branches changed most")


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def timeline_chart(name: str, *, stages: Sequence[Mapping[str, Any]], width: float) -> str:
    """Draw how long each stage took, in order, each beginning where the one before ended."""
    # Where there is no room beside the bars, their words stand above them.
    above = width < _ROOMY
    row_height = 40 if above else 26
    total = sum(stage["seconds"] for stage in stages) or 1.0
    with settings():
        drawing = canvas(name, width, row_height * len(stages) + 8)
        axes = drawing.axes(4, 4, 4, 4)
        _bare(axes)
        axes.set_xlim(0, total)
        axes.set_ylim(len(stages) - 0.5, -0.5)
        began = 0.0
        for number, stage in enumerate(stages):
            bars = axes.barh(
                number + (0.22 if above else 0), max(stage["seconds"], total / width * 2),
                left=began, height=0.35 if above else 0.62, color=KERNELS[1],
            )  # fmt: skip
            words = f"{stage['title']}, {duration(stage['seconds'])}"
            drawing.mark(bars[0], words, f"/timeline/{number}/seconds")
            ends = began + stage["seconds"]
            if above:
                axes.text(0, number - 0.08, words, va="baseline", fontsize=12)
            else:
                room = 7.4 * (len(words) + 2)
                at, side, colour = _beside(began, ends, room=room / width * total, total=total)
                axes.text(
                    at, number, f"\u00a0\u00a0{words}\u00a0\u00a0", va="center",
                    ha=side, color=colour, fontsize=12,
                )  # fmt: skip
            began = ends
        return drawing.svg("how long each stage took")


def _beside(began: float, ends: float, *, room: float, total: float) -> tuple[float, str, str]:
    """Return where a bar's words stand: right of it, left of it, or where both lack room in it."""
    if total - ends > room:
        return ends, "left", INK
    return (began, "right", INK) if began > room else (began, "left", CARD)
