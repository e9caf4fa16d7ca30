"""Versions and outcomes, and the table made of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo.errors import ArtifactError
from tests.modern.outcome import (
    Findings,
    Outcome,
    from_json,
    merge,
    parse_junit,
    parse_version,
    to_json,
)
from tests.modern.table import BEGIN, END, remember, render_block, render_table, replace_block

JUNIT = """\
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="5">
<testcase classname="a" name="fine" /><testcase classname="a" name="also" />
<testcase classname="b" name="broken"><failure message="x">y</failure></testcase>
<testcase classname="b" name="unset"><error message="x">y</error><skipped /></testcase>
<testcase classname="c" name="elsewhere"><skipped message="z" /></testcase>
</testsuite></testsuites>
"""
TESTED = Findings(
    system="sid",
    day="2026-11-20",
    versions={"python": "3.14.0", "pacman": "7.1.0"},
    outcomes=(
        Outcome(step="unit tests", ok=True, seconds=20, passed=1930),
        Outcome(step="quick start", ok=False, seconds=1),
    ),
)


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("python", "Python 3.14.0\n", "3.14.0"),
        ("pacman", " .--.      Pacman v7.1.0 - libalpm v16.0.0\n", "7.1.0"),
        ("libalpm", " .--.      Pacman v7.1.0 - libalpm v16.0.0\n", "16.0.0"),
        ("llvm", '"text": "22.1.8 (make LLVM=-22)"', "22.1.8"),
        ("qemu", "QEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1)\n", "11.1.3"),
        ("gcc", "gcc (Debian 16.2.0-4) 16.2.0\nCopyright\n", "16.2.0"),
        ("perf", "", "–"),
    ],
)
def test_versions_are_read_from_what_programs_say(name, text, version):
    assert parse_version(name, text) == version


def test_tests_are_counted_and_the_failed_ones_named():
    assert parse_junit(JUNIT) == (2, 2, 1, ("b::broken", "b::unset"))


def test_an_outcome_says_what_failed():
    assert (
        Outcome(step="s", ok=True, seconds=1, passed=3, skipped=1).text() == "3 passed, 1 skipped"
    )
    assert Outcome(step="s", ok=False, seconds=1).text() == "**failed**"
    assert Outcome(step="s", ok=True, seconds=1, note="Linux 7.2").text() == "Linux 7.2"


def test_the_table_has_a_column_for_each_system_and_a_dash_for_what_was_not_run():
    other = Findings(system="sid-llvm22", day="2026-11-19", versions={}, outcomes=())
    lines = render_table([other, TESTED]).splitlines()
    assert lines[0] == "|  | Debian sid, LLVM 22 | Debian sid |"
    assert "| unit tests | – | 1930 passed |" in lines
    assert "| Python | – | 3.14.0 |" in lines
    assert lines[-2:] == ["| run on | 2026-11-19 | 2026-11-20 |", "| at commit | – | – |"]
    assert "“–” was not run there" in render_block([other, TESTED]).removeprefix("\n".join(lines))


def test_what_was_found_survives_its_file_and_replaces_only_its_own_system(tmp_path):
    path = tmp_path / "tested.json"
    older = Findings(system="sid", day="2026-01-01", versions={}, outcomes=())
    other = Findings(system="bookworm", day="2026-01-01", versions={}, outcomes=())
    remember(path, older)
    remember(path, other)
    assert remember(path, TESTED) == (other, TESTED)
    named = replace(TESTED, system="sid-llvm22")
    assert remember(path, named) == (other, named, TESTED)
    assert from_json(to_json(TESTED)) == TESTED


def test_steps_that_were_not_run_again_keep_their_outcome_unless_versions_changed():
    again = replace(TESTED, outcomes=(Outcome(step="quick start", ok=True, seconds=9),))
    merged = merge(TESTED, again)
    assert [(one.step, one.ok) for one in merged.outcomes] == [
        ("unit tests", True),
        ("quick start", True),
    ]
    assert merge(None, again) == again
    assert merge(replace(TESTED, versions={"python": "3.13"}), again) == again


def test_an_outcome_of_another_commit_than_the_newest_says_so():
    old = Outcome(step="unit tests", ok=True, seconds=1, passed=3, commit="0a1b2c3d4e")
    new = Outcome(step="types", ok=True, seconds=1, commit="5f6a7b8c9d+")
    first = replace(TESTED, outcomes=(old,), commit=old.commit)
    merged = merge(first, replace(TESTED, outcomes=(new,), commit=new.commit))
    lines = render_table([merged]).splitlines()
    assert "| unit tests | 3 passed (at 0a1b2c3d4e) |" in lines
    assert "| types | passed |" in lines
    assert lines[-1] == "| at commit | 5f6a7b8c9d+ |"


def test_only_the_block_between_the_marks_is_rewritten():
    readme = f"before\n{BEGIN}\nold \\1\n{END}\nafter\n"
    assert replace_block(readme, "| new |\n") == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    with pytest.raises(ArtifactError, match="no place for the table"):
        replace_block("no marks\n", "| new |\n")
