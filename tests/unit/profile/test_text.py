"""The text form of profiles."""

from __future__ import annotations

from pathlib import Path

from pkgafdo.profile.text import (
    FunctionBody,
    hottest,
    parse_bodies,
    split_functions,
    text_command,
)
from tests.unit.profile.programs import recorded

TEXT = """outer:900:10
 1: 10
 3.256: 20 callee:12 other:8
 65000: 99
 4: inner:300
  2: 30
  5: deepest:100
   1: 40
  6: 50
 7: 60
 !CFGChecksum: 563022570642068
next:7:1
 1: 7
"""


def body(name: str, count: int) -> FunctionBody:
    return FunctionBody(name=name, total=count, lines=((name, 1, count),))


def test_lines_belong_to_the_function_that_was_inlined() -> None:
    outer, following = parse_bodies(TEXT)
    assert (outer.name, outer.total, following.name) == ("outer", 900, "next")
    assert outer.lines == (
        ("outer", 1, 10), ("outer", 3, 20), ("inner", 2, 30), ("deepest", 1, 40),
        ("inner", 6, 50), ("outer", 7, 60),
    )  # fmt: skip
    assert outer.samples == 210


def test_what_llvm_wrote_is_understood() -> None:
    text = recorded("llvm-profdata-19-text.txt")
    bodies = {one.name: one for one in parse_bodies(text)}
    assert set(bodies) == {"do_syscall_64", "vfs_open", "ext4_llseek"}
    assert bodies["do_syscall_64"].total == 67_526_180
    assert ("syscall_enter_from_user_mode_work", 4, 258_902) in bodies["do_syscall_64"].lines


def test_splitting_loses_nothing() -> None:
    assert [line for lines in split_functions(TEXT) for line in lines] == TEXT.splitlines()
    assert list(split_functions("")) == []


def test_the_hottest_functions_have_the_share_together() -> None:
    bodies = [body("cold", 1), body("hot", 90), body("warm", 9)]
    assert [one.name for one in hottest(bodies, 0.9)] == ["hot"]
    assert [one.name for one in hottest(bodies, 0.95)] == ["hot", "warm"]
    assert hottest([], 0.9) == []


def test_the_command_prints_text() -> None:
    assert text_command("llvm-profdata", Path("k.afdo")).argv == (
        "llvm-profdata", "merge", "--sample", "--text", "--output=-", "k.afdo",
    )  # fmt: skip
