"""Taken branches by what makes them, a bar a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.report.charts.canvas import INK, KERNELS, MUTED, canvas, settings
from pkgafdo.report.numbers import count, percent, short

if TYPE_CHECKING:
    from collections.abc import Mapping

_BAR: Final = 20
_GAP: Final = 16
_HEAD: Final = 24
_LEAST: Final = 0.001
"""The share of the largest bar below which a kind is left to the table."""


def kinds_chart(name: str, *, arcs: Mapping[str, Any], width: float) -> str:
    """Draw the taken branches of each kind; equal lengths are equal counts."""
    largest = max((row["count"] for one in arcs["kinds"] for row in one["kernels"]), default=0) or 1
    shown = [
        (place, one)
        for place, one in enumerate(arcs["kinds"])
        if max(row["count"] for row in one["kernels"]) >= _LEAST * largest
    ]
    rows = len(arcs["kinds"][0]["kernels"])
    block = rows * _BAR + _HEAD + _GAP
    with settings():
        drawing = canvas(name, width, block * max(1, len(shown)))
        axes = drawing.axes(0, 0, 120, 0)
        axes.set_axis_off()
        axes.set_xlim(0, largest)
        axes.set_ylim(block * max(1, len(shown)), 0)
        for number, (place, one) in enumerate(shown):
            top = number * block
            axes.text(0, top + 15, one["kind"], va="baseline", fontsize=13, weight="bold")
            for order, row in enumerate(one["kernels"]):
                middle = top + _HEAD + (order + 0.5) * _BAR
                bars = axes.barh(
                    middle, row["count"], height=_BAR - 3, color=KERNELS[order % len(KERNELS)]
                )
                change = f" ({percent(row['change'])})" if order else ""
                drawing.mark(
                    bars[0],
                    f"{row['kernel']}: {count(row['count'])} {one['kind']} taken{change}",
                    f"/arcs/kinds/{place}/kernels/{order}/count",
                )
                said = short(row["count"]) + (f"  {percent(row['change'])}" if order else "")
                axes.text(
                    row["count"], middle, f"\u00a0{said}", va="center", fontsize=12,
                    weight="bold" if order else "normal", color=INK if order else MUTED,
                )  # fmt: skip
        return drawing.svg("taken branches by what makes them")
