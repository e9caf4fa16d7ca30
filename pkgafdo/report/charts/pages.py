"""A kernel's text page by page, darker where more was executed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.charts.canvas import EMPTY, HEAT, canvas, settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.path import Path

_GAP: Final = 1.0


def heat_of(fetches: int, largest: int) -> int | None:
    """Return the heat of a page on a logarithmic scale, 0 to 7; None for an untouched one."""
    if not fetches:
        return None
    if largest <= 1:
        return len(HEAT) - 1
    return min(len(HEAT) - 1, int(math.log(fetches) / math.log(largest) * len(HEAT)))


def pages_chart(name: str, *, layout: Mapping[str, Any], columns: int, width: float) -> str:
    """Draw every page of a kernel's text in address order, row by row, coloured by its fetches."""
    pages: Sequence[int] = layout["pages"]
    side = width / columns
    rows = -(-len(pages) // columns)
    largest = max(pages, default=0)
    groups: dict[int | None, list[int]] = {}
    for number, fetches in enumerate(pages):
        groups.setdefault(heat_of(fetches, largest), []).append(number)
    with settings():
        drawing = canvas(name, width, side * rows)
        axes = drawing.axes(0, 0, 0, 0)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(side * rows, 0)
        from matplotlib.patches import PathPatch

        for heat, numbers in groups.items():
            colour = EMPTY if heat is None else HEAT[heat]
            axes.add_patch(
                PathPatch(_squares(numbers, columns, side), facecolor=colour, linewidth=0)
            )
        return drawing.svg(
            f"{layout['kernel']} kernel: {layout['pages_touched']} of {len(pages)} pages of "
            "kernel text touched"
        )


def _squares(numbers: Sequence[int], columns: int, side: float) -> Path:
    """Return many squares as one path, which keeps the page small."""
    from matplotlib.path import Path

    vertices: list[tuple[float, float]] = []
    codes: list[Any] = []
    for number in numbers:
        x, y = number % columns * side, number // columns * side
        far = side - _GAP
        vertices += [(x, y), (x + far, y), (x + far, y + far), (x, y + far), (x, y)]
        codes += [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(vertices, codes)
