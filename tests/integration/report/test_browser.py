"""The report in a real browser: it works, asks for nothing, and can be looked at."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.report.page import render_page
from tests.integration.report.browser import Browser, browser
from tests.unit.report.reports import KERNELS, report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

_LARGEST = 6_000_000
_SHOWN = "[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width > 0)"
_GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(report(KERNELS)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(started: Browser, page_file: Path) -> Browser:
    started.told.clear()
    started.prefer("light")
    started.resize(1280, 900)
    started.open(page_file)
    return started


def test_the_page_has_no_errors_and_asks_for_nothing(page: Browser, page_file: Path) -> None:
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.run("new Promise(done => setTimeout(done, 300))")
    said = page.events("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert said == []
    urls = {event["request"]["url"] for event in page.events("Network.requestWillBeSent")}
    assert {url for url in urls if not url.startswith("data:")} == {page_file.as_uri()}
    assert page_file.stat().st_size < _LARGEST


def test_every_chart_is_there_at_both_widths(page: Browser) -> None:
    at_desk = page.run(f"{_SHOWN}.length")
    assert at_desk == page.run("document.querySelectorAll('.wide svg').length")
    assert page.run(f"{_SHOWN}.every(s => s.querySelectorAll('path').length > 1)")
    page.resize(390, 844, mobile=True)
    assert page.run(f"{_SHOWN}.length") == at_desk
    assert page.run(f"{_SHOWN}.every(s => s.closest('.narrow'))")


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
def test_the_page_never_scrolls_sideways(page: Browser, width: int) -> None:
    page.resize(width, 800, mobile=width < 500)
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.run("document.documentElement.scrollWidth") <= width


def test_texts_in_charts_stay_inside_them(page: Browser) -> None:
    outside = """
    [...document.querySelectorAll('svg')].flatMap(svg => {
      const box = svg.getBoundingClientRect();
      return [...svg.querySelectorAll('text')].filter(text => {
        const own = text.getBoundingClientRect();
        return box.width && (own.right > box.right + 6 || own.left < box.left - 6);
      }).map(text => text.textContent);
    })"""
    for width in (1280, 390):
        page.resize(width, 800, mobile=width < 500)
        assert page.run(outside) == []


def test_the_switch_changes_the_theme_and_back(page: Browser) -> None:
    light, mark = page.run(_GROUND), "getComputedStyle(document.querySelector('.mark path')).fill"
    light_mark = page.run(mark)
    assert page.run("document.getElementById('theme').textContent") == "Dark colours"
    page.run("document.getElementById('theme').click()")
    assert page.run(_GROUND) != light
    assert page.run(mark) != light_mark
    page.run("document.getElementById('theme').click()")
    assert page.run(_GROUND) == light


def test_a_system_in_dark_colours_gets_a_dark_page(page: Browser, page_file: Path) -> None:
    light = page.run(_GROUND)
    page.prefer("dark")
    page.open(page_file)
    assert page.run(_GROUND) != light


def test_without_scripts_the_page_follows_the_system_and_shows_everything(
    page: Browser, page_file: Path
) -> None:
    light = page.run(_GROUND)
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.prefer("dark")
        page.open(page_file)
        assert page.run(_GROUND) != light
        assert page.run(f"{_SHOWN}.length") > 8
        assert page.run("document.getElementById('theme').hidden")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


def column(page: Browser, table: str, number: int) -> list[Any]:
    cells = f"[...document.querySelector({table!r}).tBodies[0].rows].map(r => r.cells[{number}])"
    return list(page.run(f"{cells}.map(c => Number(c.querySelector('data').value))"))


def test_tables_sort_by_number_in_both_directions(page: Browser) -> None:
    table = "#movers table"
    button = f"document.querySelector({table + ' thead th:nth-child(3) button'!r})"
    before = column(page, table, 2)
    page.run(f"{button}.click()")
    assert column(page, table, 2) == sorted(before)
    assert page.run(f"{button}.closest('th').getAttribute('aria-sort')") == "ascending"
    page.run(f"{button}.click()")
    assert column(page, table, 2) == sorted(before, reverse=True)


def test_benchmarks_of_the_machine_have_a_chart_and_a_table_that_sorts(page: Browser) -> None:
    assert page.run("document.querySelector('.timed .kind').textContent") == "Time on this machine"
    shown = (
        f"{_SHOWN}.filter(s => s.closest('#machine')).map(s => s.querySelectorAll('.mark').length)"
    )
    assert page.run(shown) == [2]
    table, change = "#machine table", 2
    rows = f"[...document.querySelector({table!r}).tBodies[0].rows].length"
    assert page.run(rows) == 2
    button = (
        f"document.querySelector({table!r}).tHead.rows[0].cells[{change}].querySelector('button')"
    )
    page.run(f"{button}.click()")
    assert column(page, table, change) == sorted(column(page, table, change))
    page.run(f"{button}.click()")
    assert column(page, table, change) == sorted(column(page, table, change), reverse=True)


def test_what_one_operation_costs_can_be_sorted_by_its_change(page: Browser) -> None:
    region = "document.querySelector('[aria-label=\"Counts for each operation\"] table')"
    page.run(f"{region}.tHead.rows[0].cells[4].querySelector('button').click()")
    cells = (
        f"[...{region}.tBodies[0].rows].map(r => Number(r.cells[4].querySelector('data').value))"
    )
    values = page.run(cells)
    assert len(values) == 4
    assert values == sorted(values)


def test_keys_reach_the_switch_the_sections_and_the_tables(page: Browser) -> None:
    reached = set()
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    for _ in range(60):
        for kind in ("keyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                      windowsVirtualKeyCode=9)  # fmt: skip
        reached.add(page.run(
            "((e) => e.id || e.tagName + (e.closest('th') ? ' in th' : ''))(document.activeElement)"
        ))  # fmt: skip
    assert {"theme", "A", "SUMMARY", "BUTTON in th"} <= reached


def test_pointing_at_a_mark_shows_its_number(page: Browser) -> None:
    place = page.run(
        "(() => { const mark = document.querySelector('#compared .wide .mark path');"
        "mark.scrollIntoView({block: 'center', behavior: 'instant'});"
        "const box = mark.getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2] })()"
    )
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    page.wait_for("!document.getElementById('tip').hidden")
    assert "kernel instructions" in page.run("document.getElementById('tip').textContent")


def test_every_picture_and_control_has_a_name(page: Browser) -> None:
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = {"image", "button", "link", "region", "table", "figure"} - {"table"}
    asked = [node for node in nodes if node.get("role", {}).get("value") in named]
    assert len(asked) > 30
    nameless = [n for n in asked if not n.get("name", {}).get("value") and not n.get("ignored")]
    assert [node["role"]["value"] for node in nameless if node["role"]["value"] != "figure"] == []


def test_headings_go_down_by_one(page: Browser) -> None:
    levels = page.run(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_prints_in_light_colours(page: Browser) -> None:
    page.run("document.getElementById('theme').click()")
    data = page.call("Page.printToPDF", printBackground=True)["data"]
    assert len(data) > 20_000
    assert page.run("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_a_picture_of_the_page_shows_something(
    page: Browser, page_file: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    import numpy as np
    from matplotlib.image import imread

    page.prefer(scheme)
    page.resize(width, 900, mobile=width < 500)
    page.open(page_file)
    page.screenshot(tmp_path / "page.png")
    pixels = imread(tmp_path / "page.png")
    assert pixels.shape[1] == width
    assert pixels.shape[0] > 2500
    colours = np.unique((pixels[::3, ::3, :3] * 255).astype(np.uint8).reshape(-1, 3), axis=0)
    assert len(colours) > 60
