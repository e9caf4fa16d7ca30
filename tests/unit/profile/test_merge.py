"""Merging profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.profile.merge import (
    WeightedProfile,
    merge_command,
    merge_profiles,
    normalising_weights,
)
from tests.unit.profile.programs import TOOLCHAIN, profile_tools

INPUTS = [WeightedProfile(path=Path("a.afdo"), weight=3), WeightedProfile(path=Path("b.afdo"))]


def test_the_command_says_sample_and_weighs_each_input() -> None:
    command = merge_command("llvm-profdata", INPUTS, Path("out"))
    assert command.argv == (
        "llvm-profdata", "merge", "--sample", "--extbinary", "--output=out",
        "--weighted-input=3,a.afdo", "--weighted-input=1,b.afdo",
    )  # fmt: skip


def test_the_merged_profile_is_named_by_its_digest(tmp_path) -> None:
    profile = merge_profiles(profile_tools(), TOOLCHAIN, INPUTS, folder=tmp_path / "out")
    assert profile.path == tmp_path / "out" / f"kernel-{profile.sha256[:16]}.afdo"
    assert profile.path.read_bytes() == b"profile"
    assert profile.functions == 59
    assert list((tmp_path / "out").iterdir()) == [profile.path]


@pytest.mark.parametrize("weights", [(), (0,), (1, -1)])
def test_nothing_to_merge_or_a_weight_below_one_is_refused(weights, tmp_path) -> None:
    inputs = [WeightedProfile(path=Path("a"), weight=weight) for weight in weights]
    runner = profile_tools()
    with pytest.raises(ConfigError):
        merge_profiles(runner, TOOLCHAIN, inputs, folder=tmp_path)
    assert runner.ran == []


def test_normalising_gives_profiles_about_the_same_total() -> None:
    assert normalising_weights([1000, 500, 340]) == [1, 2, 3]


def test_normalising_has_a_limit_and_leaves_empty_profiles_alone() -> None:
    assert normalising_weights([10**9, 1, 0], most=50) == [1, 50, 1]
    assert normalising_weights([]) == []
