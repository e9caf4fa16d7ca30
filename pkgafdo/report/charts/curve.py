"""How few functions have most of the branches, as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pkgafdo.report.charts.canvas import KERNELS, canvas, settings
from pkgafdo.report.numbers import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def concentration_chart(name: str, *, where: Sequence[Mapping[str, Any]], width: float) -> str:
    """Draw the share of branches against the number of hottest functions, a line a kernel."""
    with settings():
        drawing = canvas(name, width, 260)
        axes = drawing.axes(52, 10, 16, 46)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.02)
        axes.grid(linewidth=0.8)
        axes.tick_params(length=0, which="both")
        axes.yaxis.set_major_formatter(lambda value, _: percent(value, signed=False)[:-4] + " %")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel("hottest functions", fontsize=12)
        for order, kernel in enumerate(where):
            points = kernel["concentration"]
            axes.plot(
                [point["functions"] for point in points],
                [point["share"] for point in points],
                color=KERNELS[order % len(KERNELS)], linewidth=2.5,
            )  # fmt: skip
            for number, point in enumerate(points):
                (dot,) = axes.plot(
                    point["functions"], point["share"], "o", markersize=5,
                    color=KERNELS[order % len(KERNELS)],
                )  # fmt: skip
                drawing.mark(
                    dot,
                    f"{kernel['kernel']}: the {point['functions']:,d} hottest functions have "
                    f"{percent(point['share'], signed=False)}",
                    f"/where/{order}/concentration/{number}/share",
                )
        return drawing.svg("share of taken branches in the hottest functions")
