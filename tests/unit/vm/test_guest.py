"""What the guest runs, and what it reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.branches.meta import ModuleMapping
from pkgafdo.vm.guest import find_trouble, parse_report, step_files
from tests.unit.vm.guests import REPORT, SUITE


def test_each_step_has_a_preparation_and_a_script_and_all_are_listed() -> None:
    assert dict(step_files(SUITE, 30)) == {
        "steps/1.prepare": "mkdir x\n",
        "steps/1.script": "tool 1\n",
        "steps/2.prepare": ":\n",
        "steps/2.script": "tool 2\n",
        "steps/all": "run 1 30\nrun 2 30\n",
    }


def test_a_report_says_what_happened() -> None:
    report = parse_report(REPORT)
    assert report.release == "7.2.13-pkgafdo-base"
    assert report.statuses == {1: 0, 2: 0}
    assert report.refused == ("odd",)
    assert report.unprepared == ()
    assert report.finished


def test_modules_come_with_the_places_of_their_code() -> None:
    ext4, jbd2 = parse_report(REPORT).modules
    assert ext4 == ModuleMapping(
        name="ext4",
        size=1048576,
        sections=((".text", 0xFFFFFFFFC0101000), (".init.text", 0xFFFFFFFFC0180000)),
    )
    assert jbd2.sections == ((".text", 0xFFFFFFFFC0000000),)


def test_a_report_through_a_serial_line_ends_its_lines_with_cr_lf() -> None:
    assert parse_report(REPORT.replace("\n", "\r\n")) == parse_report(REPORT)


def test_failures_keep_their_numbers() -> None:
    report = parse_report("pkgafdo: step 1 137\npkgafdo: unprepared 2 1\n")
    assert report.statuses == {1: 137}
    assert report.unprepared == (2,)
    assert not report.finished


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "\0\0\n",
        "done\n",  # without our mark it is somebody else's word
        "step 1 0\n",
        "echo pkgafdo: done\n",
        "other: done\n",
        "pkgafdo: step one zero\n",
        "pkgafdo: step 1\n",
        "pkgafdo: unprepared x 1\n",
        "pkgafdo: module ext4 big 0x1\n",
        "pkgafdo: module ext4 5 (null)\n",
        "pkgafdo: section ext4 .text 0x1\n",
        "pkgafdo: dance\n",
        "pkgafdo: do",
    ],
)
def test_garbage_is_passed_over(garbage: str) -> None:
    report = parse_report(garbage)
    assert report == parse_report("")
    assert parse_report(garbage.rstrip("\n") + "\n" + REPORT).statuses == {1: 0, 2: 0}


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_report("pkgafdo: " + text)


@pytest.mark.parametrize(
    "line",
    [
        "[    1.0] Kernel panic - not syncing: No working init found.",
        "[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "[   26.1] watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
        "[    1.0] kernel BUG at mm/slab.c:123!",
        "[    1.0] Oops: 0000 [#1] PREEMPT SMP",
        "[    1.0] general protection fault, probably for non-canonical address",
        "[    1.0] VFS: Unable to mount root fs on unknown-block(0,0)",
        "[    9.9] Out of memory: Killed process 77 (stress-ng)",
    ],
)
def test_a_broken_kernel_is_noticed(line: str) -> None:
    assert find_trouble(f"fine\r\n{line}\r\nfine\r\n") == (line,)


def test_an_ordinary_console_has_no_trouble() -> None:
    assert find_trouble("stress-ng: info: 4 failed, DEBUG: x\nno panic\nsegfault at 0\n") == ()
