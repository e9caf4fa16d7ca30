"""The report as markdown."""

from __future__ import annotations

import re
from itertools import pairwise

from pkgafdo.report.markdown import render_markdown
from tests.unit.report.reports import KERNELS, recorded, report, twin


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
    assert "| baseline | optimised | change | propeller | change | floor |" in text
    assert "| floor |" not in render_markdown(report(KERNELS, noise={}, machine={}))


def test_a_change_that_is_layouts_luck_stands_in_brackets() -> None:
    noise = {part: twin(part, 0.9) for part in ("train", "heldout")}
    text = render_markdown(report(noise=noise))
    rows = re.findall(r"^\| taken branches \|.*$", text, re.MULTILINE)
    assert rows
    assert all("(−4" in row and "90.00\u202f%" in row for row in rows[:2])


def test_time_on_this_machine_is_a_table_with_p_values() -> None:
    text = render_markdown(report())
    assert "## Time on this machine" in text
    assert re.search(r"^\| pipe \| s, less is better \| better \|", text, re.MULTILINE)
    assert "## Time" not in render_markdown(report(machine={}))


def test_each_operation_and_each_kind_of_branch_is_told() -> None:
    text = render_markdown(report(KERNELS))
    assert "| step-1 | turn |" in text
    assert "| conditional jumps | 10,000 | 5,700 | −43.0\u202f% | 5,200 | −48.0\u202f% |" in text
    assert "Of 10,005 executions of taken jumps" in text


def test_a_run_that_has_only_begun_says_what_is_missing() -> None:
    text = render_markdown(
        report(kernels=[], suites={}, recordings=[], profile=None, machine={}, arcs=None)
    )
    assert "Nothing has been compared yet" in text
    assert "There is no profile yet." in text
