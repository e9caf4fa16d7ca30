"""The page: what it shows is what the data has, and it needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from pkgafdo.report.charts.drawing import draw_charts
from pkgafdo.report.page import FORMS, branches_at, lookup, render_page
from tests.unit.report.reports import KERNELS, facts, on_machine, recorded, report, twin

EVIL = '</script><img src=x onerror="alert(1)">'


class Elements(HTMLParser):
    """Collects a page's elements: tag, attributes, and the text directly inside them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts: list[str] = []
        self.found.append((tag, {name: value or "" for name, value in attrs}, texts))
        if tag not in {"meta", "link", "br", "img"}:
            self.open.append(texts)

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].append(data)


def elements(page: str) -> list[tuple[str, dict[str, str], str]]:
    parser = Elements()
    parser.feed(page)
    return [(tag, attributes, "".join(texts)) for tag, attributes, texts in parser.found]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return report(KERNELS, recordings=[recorded("baseline"), recorded("propeller", evil=EVIL)])


@pytest.fixture(scope="module")
def page(whole: dict[str, Any]) -> str:
    return render_page(whole)


def embedded(page: str) -> Any:
    (text,) = (
        text for _, attributes, text in elements(page) if attributes.get("id") == "report-data"
    )
    return json.loads(text)


def test_the_data_inside_the_page_is_the_report(page: str, whole: dict[str, Any]) -> None:
    assert embedded(page) == whole


def test_every_number_in_the_page_is_the_datas(page: str) -> None:
    data = embedded(page)
    numbers = [(a, text) for tag, a, text in elements(page) if tag == "data"]
    assert len(numbers) > 100
    for attributes, text in numbers:
        value = lookup(data, attributes["data-key"])
        assert float(attributes["value"]) == value
        assert text == FORMS[attributes["data-form"]](value)


def test_number_cells_hold_nothing_but_numbers_of_the_data(page: str) -> None:
    """A digit typed into the template would be text of the cell itself."""
    cells = [text for tag, a, text in elements(page) if tag == "td" and a.get("class") == "n"]
    assert len(cells) > 60
    assert not [text for text in cells if re.search(r"\d", text)]


def test_every_mark_in_a_chart_says_the_number_that_it_points_to(page: str) -> None:
    data, found = embedded(page), elements(page)
    marks = 0
    for (tag, attributes, _), (inner, _, tip) in pairwise(found):
        if tag == "g" and attributes.get("class") == "mark":
            value = lookup(data, attributes["data-key"])
            forms = (
                ("count", "signed")
                if isinstance(value, int)
                else ("percent", "share", "duration", "ratio")
            )
            written = {FORMS[form](value) for form in forms}
            assert inner == "title"
            assert any(text in tip for text in written), (attributes, tip)
            marks += 1
    assert marks > 50


def test_the_page_asks_for_nothing_outside_itself(page: str) -> None:
    for tag, attributes, _ in elements(page):
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            place = attributes.get(name, "")
            assert place.startswith(("#", "data:")) or not place, (tag, place)
    assert "url(http" not in page
    assert "@import" not in page
    policy = next(a for _, a, _ in elements(page) if a.get("http-equiv"))
    assert "default-src 'none'" in policy["content"]


def test_names_from_the_kernel_stay_text(page: str) -> None:
    assert "<img" not in page
    assert "onerror=" not in re.sub(r"onerror=(\\\"|&#34;|&quot;|\")alert", "", page)
    assert any(EVIL in text for _, _, text in elements(page))


def test_ids_are_unique_and_every_reference_has_its_id(page: str) -> None:
    found = elements(page)
    ids = [a["id"] for _, a, _ in found if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a, _ in found if a.get("href", "").startswith("#")}
    wanted |= {word for _, a, _ in found for word in a.get("aria-labelledby", "").split()}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert wanted <= set(ids)


def test_every_chart_has_a_name_for_those_who_cannot_see_it(page: str) -> None:
    charts = [a for tag, a, _ in elements(page) if tag == "svg"]
    assert len(charts) >= 16
    for attributes in charts:
        assert attributes["role"] == "img"
        assert attributes["aria-labelledby"]


def test_the_verdict_comes_first_with_its_kind(page: str, whole: dict[str, Any]) -> None:
    assert page.index("A model’s counts") < page.index("<h1>") < page.index("<main")
    assert f"<h1>{whole['verdict']['headline']}</h1>" in page
    assert "a model, not time" in page


def test_all_kernels_are_there_in_their_order(page: str) -> None:
    names = [page.index(f"</i>{name}</li>") for name in KERNELS]
    assert names == sorted(names)


def test_what_layouts_luck_explains_is_not_coloured_as_a_gain() -> None:
    noise = {part: twin(part, 0.9) for part in ("train", "heldout")}
    page = render_page(report(noise=noise))
    changes = [
        (a.get("class"), inner["data-key"])
        for (tag, a, _), (_, inner, _) in pairwise(elements(page))
        if tag == "span" and inner.get("data-key", "").startswith("/measure")
    ]
    assert {kind for kind, key in changes if "/metrics/" in key} == {"luck"}
    assert "No change of taken branches beyond layout’s luck" in page


def test_time_on_this_machine_has_its_own_kind_and_section(page: str) -> None:
    assert "Time on this machine</p>" in page
    section = page[page.index('<section id="machine"') : page.index('<section id="steps"')]
    assert "95 % bootstrap interval over boots" in section
    assert 'data-form="p"' in section
    without = render_page(report(machine={}))
    assert 'id="machine"' not in without
    assert "Time on this machine" not in without


def test_what_differs_between_boots_is_named() -> None:
    page = render_page(report(machine={"optimised": on_machine(governor="powersave")}))
    assert "governor: performance → powersave" in page
    assert "The environment was the same" not in page


def test_each_operation_has_its_cost_before_and_after(page: str, whole: dict[str, Any]) -> None:
    keys = [a["data-key"] for tag, a, _ in elements(page) if tag == "data"]
    costs = [key for key in keys if key.endswith("/per_operation")]
    steps = [s for suite in whole["measure"]["suites"] for s in suite["steps"] if s["operations"]]
    assert len(costs) == len(steps) * 2 * 2


def test_without_recordings_nothing_is_said_of_jumps() -> None:
    assert 'id="arcs"' not in render_page(report(arcs=None))


def test_colours_come_from_the_page(whole: dict[str, Any]) -> None:
    charts = draw_charts(whole, branches_at(whole))
    for name, variants in charts.items():
        for svg in variants.values():
            assert not re.search(r"#f[0-4]00", svg), name
            assert "var(--" in svg


def test_a_run_with_nothing_but_a_source_has_a_page() -> None:
    page = render_page(
        report(
            kernels=[], suites={}, recordings=[], profile=None, checks=(), machine={}, arcs=None,
            timeline=facts().timeline[:1],
        )
    )  # fmt: skip
    assert "Nothing has been compared yet" in page
    assert "There is no profile yet." in page
    assert "<svg" in page


def test_a_run_without_recordings_says_so() -> None:
    page = render_page(report(recordings=[]))
    assert "No recording was made on the baseline kernel" in page
    assert 'id="where"' not in page


def test_counts_of_zero_have_a_page() -> None:
    nothing = facts().suites["train"][1]
    empty = json.loads(json.dumps(nothing))
    for metric in ("taken_branches", "itlb_misses"):
        empty[metric] = dict.fromkeys(empty[metric], 0)
        for step in empty["steps"]:
            step[metric] = dict.fromkeys(step[metric], 0)
    page = render_page(report(suites={"train": ("trained on", empty)}))
    assert "cannot be compared" in page


def colours(css: str, theme: str) -> dict[str, str]:
    rule = css[css.index(theme) :]
    return dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", rule[: rule.index("}")]))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [":root {", ':root[data-theme="dark"] {'])
def test_texts_stand_out_in_both_themes(page: str, theme: str) -> None:
    """WCAG 2.2 asks for 4.5 for text."""
    known = colours(page, theme)
    for text in ("--ink", "--muted", "--accent", "--good", "--bad"):
        for ground in ("--page", "--card"):
            if (text, ground) not in {("--good", "--page"), ("--bad", "--page")}:
                assert contrast(known[text], known[ground]) >= 4.5, (theme, text, ground)
    for number in range(10):
        assert contrast(known["--on-tile"], known[f"--tile{number}"]) >= 4.5
