"""The report as markdown."""

from __future__ import annotations

import re
from itertools import pairwise

from pkgafdo.report.markdown import render_markdown
from tests.unit.report.reports import KERNELS, recorded, report


def test_the_verdict_is_the_title_and_its_kind_follows() -> None:
    text = render_markdown(report())
    first, _, rest = text.partition("\n")
    assert first == f"# Linux 7.2.13: {report()['verdict']['headline']}"
    assert rest.lstrip().startswith("**Exact counts in an emulated machine: a model, not time.")


def test_every_table_is_whole() -> None:
    lines = render_markdown(report(KERNELS)).splitlines()
    columns = 0
    for before, line in pairwise(lines):
        if re.fullmatch(r"(\|-+:?)+\|", line):
            columns = line.count("|")
            assert len(re.findall(r"(?<!\\)\|", before)) == columns
        elif line.startswith("|") and before.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == columns


def test_a_bar_in_a_name_does_not_end_its_cell() -> None:
    rows = [recorded("baseline", evil="a|b"), recorded("optimised", evil="a|b")]
    assert "`a\\|b`" in render_markdown(report(recordings=rows))


def test_all_kernels_have_their_counts() -> None:
    text = render_markdown(report(KERNELS))
    assert "| baseline | optimised | change | propeller | change |" in text


def test_a_run_that_has_only_begun_says_what_is_missing() -> None:
    text = render_markdown(report(kernels=[], suites={}, recordings=[], profile=None))
    assert "Nothing has been compared yet" in text
    assert "There is no profile yet." in text
