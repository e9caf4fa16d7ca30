"""Comparing profiles."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.profile.compare import (
    Mover,
    biggest_movers,
    compare_profiles,
    overlap_command,
    parse_overlap,
)
from pkgafdo.runner.command import Result
from tests.unit.profile.programs import TOOLCHAIN, profile_tools, recorded


def test_the_command_names_base_and_test() -> None:
    command = overlap_command("llvm-profdata", Path("a"), Path("b"))
    assert command.argv == ("llvm-profdata", "overlap", "--sample", "a", "b")


def test_the_overlap_is_read() -> None:
    overlap = parse_overlap(recorded("llvm-profdata-19-overlap.txt"))
    assert asdict(overlap) == pytest.approx(
        {
            "similarity": 0.70666,
            "samples": 0.54762,
            "functions": 0.5,
            "hot_functions": 0.54054,
            "hot_blocks": 0.55078,
        }
    )


def test_the_overlap_of_llvm_23_is_read() -> None:
    overlap = parse_overlap(recorded("llvm-profdata-23-overlap.txt"))
    assert set(asdict(overlap).values()) == {1.0}


def test_an_empty_profile_cannot_be_compared() -> None:
    with pytest.raises(ArtifactError, match="cannot be compared"):
        parse_overlap("Sum of sample counts for profile o.afdo is 0.\n")


def test_functions_gained_and_lost_are_found() -> None:
    def show(command):
        only = "old_only" if command.argv[-1] == "a" else "new_only"
        text = f"Function: both: 50, 1, 2 sampled lines\nFunction: {only}: 50, 1, 1 sampled lines\n"
        return Result(returncode=0, stdout=text)

    overlap = Result(returncode=0, stdout=recorded("llvm-profdata-19-overlap.txt"))
    runner = profile_tools(show=show, overlap=overlap)
    comparison = compare_profiles(runner, TOOLCHAIN, Path("a"), Path("b"))
    assert comparison.gained == ("new_only",)
    assert comparison.lost == ("old_only",)
    assert comparison.movers == ()


@pytest.mark.parametrize("bad", ["a", "b"])
@pytest.mark.parametrize("there", [True, False])
def test_a_profile_that_is_none_or_is_missing_is_named(tmp_path, bad, there) -> None:
    for name in ("a", "b"):
        if there or name != bad:
            (tmp_path / name).write_bytes(b"x")

    def show(command):
        wrong = command.argv[-1].endswith(f"/{bad}")
        return Result(returncode=1) if wrong else profile_tools().answers["show"]

    runner = profile_tools(show=show, overlap=Result(returncode=1, stderr="error: …"))
    sentence = f"{bad} is not a sample profile" if there else f"There is no profile .*{bad}"
    with pytest.raises(ArtifactError, match=sentence):
        compare_profiles(runner, TOOLCHAIN, tmp_path / "a", tmp_path / "b")


def test_movers_are_those_whose_share_changed_most() -> None:
    before = {"a": 50, "b": 35, "c": 15, "gone": 0}
    after = {"a": 450, "b": 150, "c": 400}
    assert biggest_movers(before, after, most=2) == (
        Mover(name="c", before=0.15, after=0.4),
        Mover(name="b", before=0.35, after=0.15),
    )
