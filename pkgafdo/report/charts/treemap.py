"""Where branches are taken, as nested tiles whose areas are the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.charts.canvas import (
    CARD,
    EMPTY,
    INK,
    ON_TILE,
    TILES,
    Canvas,
    canvas,
    settings,
)
from pkgafdo.report.numbers import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

_LETTER: Final = 0.61
"""A letter's width in units of its size."""
_FEWEST: Final = 6
"""Letters that a clipped name must still have to be worth reading."""
_SMALLEST: Final = 60.0
"""Pixels of area below which a function is drawn among the others."""
_HEAD: Final = 19.0
_TALLEST: Final = 560.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in pixels, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def squarify(values: Sequence[float], box: Box) -> list[Box]:
    """Divide a box among falling values so that the parts are as square as can be.

    After Bruls, Huizing and van Wijk, “Squarified Treemaps” (2000).
    """
    total = sum(values)
    if not total or box.width <= 0 or box.height <= 0:
        return [Box(x=box.x, y=box.y, width=0, height=0) for _ in values]
    scale = box.width * box.height / total
    areas = [value * scale for value in values]
    boxes: list[Box] = []
    start = 0
    while start < len(areas):
        short = min(box.width, box.height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], short) <= _worst(
            areas[start:end], short
        ):
            end += 1
        row, box = _row(areas[start:end], box)
        boxes += row
        start = end
    return boxes


def _worst(areas: Sequence[float], side: float) -> float:
    total = sum(areas)
    if not total or not side or not areas[-1]:
        return float("inf")
    return max(side**2 * areas[0] / total**2, total**2 / (side**2 * areas[-1]))


def _row(areas: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Lay a row along the shorter side; return it and what is left of the box."""
    total = sum(areas)
    boxes = []
    if box.width >= box.height:
        depth = total / box.height if box.height else 0
        y = box.y
        for area in areas:
            length = area / depth if depth else 0
            boxes.append(Box(x=box.x, y=y, width=depth, height=length))
            y += length
        left = Box(x=box.x + depth, y=box.y, width=max(0, box.width - depth), height=box.height)
    else:
        depth = total / box.width if box.width else 0
        x = box.x
        for area in areas:
            length = area / depth if depth else 0
            boxes.append(Box(x=x, y=box.y, width=length, height=depth))
            x += length
        left = Box(x=box.x, y=box.y + depth, width=box.width, height=max(0, box.height - depth))
    return boxes, left


def treemap_chart(
    name: str,
    *,
    where: Mapping[str, Any],
    place: str,
    largest: int,
    colours: Mapping[str, int],
    width: float,
) -> str:
    """Draw a kernel's branches; an area means the same count in every kernel's drawing.

    place is the JSON pointer of `where`, largest the largest total among the kernels, colours the
    number of each subsystem's colour.
    """
    tallest = min(_TALLEST, width * 1.5)
    # A smaller total takes a lower box of the same width, so that areas compare.
    height = max(_HEAD, tallest * where["branches"] / largest) if largest else tallest
    with settings():
        drawing = canvas(name, width, height)
        axes = drawing.axes(0, 0, 0, 0)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        groups = where["subsystems"]
        boxes = squarify(
            [group["count"] for group in groups], Box(x=0, y=0, width=width, height=height)
        )
        for number, (group, box) in enumerate(zip(groups, boxes, strict=True)):
            _group(drawing, axes, group, box, f"{place}/subsystems/{number}", where, colours)
        return drawing.svg(f"{where['kernel']} kernel: taken branches by subsystem and function")


def _group(
    drawing: Canvas, axes: Axes, group: Mapping[str, Any], box: Box, place: str,
    where: Mapping[str, Any], colours: Mapping[str, int],
) -> None:  # fmt: skip
    colour = TILES[colours.get(group["name"], len(TILES) - 1) % len(TILES)]
    _tile(drawing, axes, box, EMPTY, (
        _tip(group["name"], group["count"], group["share"]), f"{place}/count",
    ))  # fmt: skip
    headed = box.height > 2.4 * _HEAD and box.width > 46
    if headed:
        words = f"{group['name']}  {percent(group['share'], signed=False)}"
        if _fitting(words, box.width - 8, 12) != words:
            words = _fitting(group["name"], box.width - 8, 12)
        _text(axes, box.x + 5, box.y + 13.5, words, INK)
    head = _HEAD if headed else 0
    inner = Box(x=box.x + 2, y=box.y + head + 1, width=box.width - 4, height=box.height - head - 3)
    if inner.width < 8 or inner.height < 8:
        return
    _functions(drawing, axes, group, inner, place, where, colour)


def _tip(name: str, taken: int, share: float) -> str:
    return f"{name}: {count(taken)} taken branches, {percent(share, signed=False)}"


def _functions(
    drawing: Canvas, axes: Axes, group: Mapping[str, Any], inner: Box, place: str,
    where: Mapping[str, Any], colour: str,
) -> None:  # fmt: skip
    per_pixel = group["count"] / (inner.width * inner.height)
    shown = [f for f in group["functions"] if f["count"] / per_pixel >= _SMALLEST]
    rest = group["count"] - sum(f["count"] for f in shown)
    boxes = squarify([function["count"] for function in shown], _without(inner, rest, group))
    for number, (function, box) in enumerate(zip(shown, boxes, strict=True)):
        share = function["count"] / where["branches"]
        _tile(drawing, axes, box, colour, (
            _tip(f"{function['name']} ({group['name']})", function["count"], share),
            f"{place}/functions/{number}/count",
        ))  # fmt: skip
        label = _fitting(function["name"], box.width - 6, 11)
        if box.height > 15 and (label == function["name"] or len(label) >= _FEWEST):
            _text(axes, box.x + 4, box.y + 12, label, ON_TILE)


def _without(box: Box, rest: int, group: Mapping[str, Any]) -> Box:
    """Return a box without the strip at its end that the functions not shown fill together."""
    kept = 1 - rest / group["count"] if group["count"] else 0.0
    if box.width >= box.height:
        return Box(x=box.x, y=box.y, width=box.width * kept, height=box.height)
    return Box(x=box.x, y=box.y, width=box.width, height=box.height * kept)


def _tile(drawing: Canvas, axes: Axes, box: Box, colour: str, tip: tuple[str, str]) -> None:
    from matplotlib.patches import Rectangle

    patch = Rectangle(
        (box.x, box.y), box.width, box.height, facecolor=colour, edgecolor=CARD, linewidth=1.2
    )
    axes.add_patch(patch)
    drawing.mark(patch, *tip)


def _text(axes: Axes, x: float, y: float, words: str, colour: str) -> None:
    head = colour == INK
    axes.text(
        x, y, words, va="baseline", color=colour,
        fontsize=12 if head else 11, weight="bold" if head else "normal",
    )  # fmt: skip


def _fitting(words: str, width: float, size: float) -> str:
    """Return the text, or as much of it as the width takes."""
    most = int(width / (size * _LETTER))
    return words if len(words) <= most else words[: max(0, most - 1)] + "…"
