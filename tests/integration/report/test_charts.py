"""Geometry of the charts, and numbers as people read them."""

from __future__ import annotations

import math

import pytest
from matplotlib.backends.backend_svg import RendererSVG

from pkgafdo.report import numbers
from pkgafdo.report.charts.drawing import draw_charts
from pkgafdo.report.charts.pages import heat_of
from pkgafdo.report.charts.treemap import Box, squarify
from pkgafdo.report.page import branches_at
from tests.unit.report.reports import report

WHOLE = Box(x=10, y=20, width=300, height=200)


@pytest.mark.parametrize("values", [[1], [5, 3, 2], [100, 1, 1, 1], list(range(60, 0, -1))])
def test_tiles_have_the_areas_of_their_values_and_fill_the_box(values: list[int]) -> None:
    boxes = squarify(values, WHOLE)
    scale = WHOLE.width * WHOLE.height / sum(values)
    for value, box in zip(values, boxes, strict=True):
        assert math.isclose(box.width * box.height, value * scale, rel_tol=1e-9)
        assert box.x >= WHOLE.x - 1e-9
        assert box.y >= WHOLE.y - 1e-9
        assert box.x + box.width <= WHOLE.x + WHOLE.width + 1e-6
        assert box.y + box.height <= WHOLE.y + WHOLE.height + 1e-6


def test_tiles_are_nearly_square() -> None:
    for box in squarify([10] * 30, WHOLE):
        assert max(box.width / box.height, box.height / box.width) < 2


@pytest.mark.parametrize("values", [[], [0, 0]])
def test_nothing_takes_no_room(values: list[int]) -> None:
    assert [box.width for box in squarify(values, WHOLE)] == [0] * len(values)


def test_heat_rises_with_the_logarithm() -> None:
    assert heat_of(0, 100) is None
    assert heat_of(1, 10**8) == 0
    assert heat_of(10**4, 10**8) == 4
    assert heat_of(10**8, 10**8) == 7
    assert heat_of(1, 1) == 7


def test_numbers_read_as_people_write_them() -> None:
    assert numbers.percent(-0.4462) == "−44.6\u202f%"
    assert numbers.percent(0.0001) == "±0.0\u202f%"
    assert numbers.percent(0.5, signed=False) == "50.0\u202f%"
    assert numbers.percent(None) == "–"
    assert numbers.count(1234567) == "1,234,567"
    assert numbers.count(2.25) == "2.2"
    assert numbers.short(75_677_744) == "75.7\u202fM"
    assert numbers.short(-1_500) == "−1.5\u202fk"
    assert numbers.size(5 << 20) == "5.0\u202fMiB"
    assert numbers.size(12) == "12\u202fbytes"
    assert numbers.duration(3.04) == "3.0\u202fs"
    assert numbers.duration(612.8) == "10\u202fmin 13\u202fs"
    assert numbers.duration(3723) == "1\u202fh 02\u202fmin 03\u202fs"
    assert numbers.signed(-5) == "−5"


def test_weights_of_fonts_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib before 3.11 draws no weight that is a number."""
    drawn, draw_text = set(), RendererSVG.draw_text

    def draw_and_note(renderer, context, x, y, text, font, *rest, **named):
        drawn.add(font.get_weight())
        draw_text(renderer, context, x, y, text, font, *rest, **named)

    monkeypatch.setattr(RendererSVG, "draw_text", draw_and_note)
    whole = report()
    draw_charts(whole, branches_at(whole))
    assert drawn == {"normal", "bold"}
