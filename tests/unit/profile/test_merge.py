"""Merging profiles."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.errors import ConfigError
from pkgafdo.profile.merge import (
    WeightedProfile,
    batches,
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


def profiles(folder: Path, *sizes: int) -> list[WeightedProfile]:
    made = []
    for number, size in enumerate(sizes):
        (folder / f"{number}.afdo").write_bytes(bytes(size))
        made.append(WeightedProfile(path=folder / f"{number}.afdo", weight=number + 1))
    return made


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ((5, 5), [2]),
        ((4, 3, 3), [3]),
        ((4, 3, 4), [3]),  # none is left alone
        ((4, 3, 4, 3, 4, 3), [2, 2, 2]),
        ((1,) * 25, [10, 10, 5]),
        ((1,) * 21, [10, 11]),
        ((99, 99, 99, 99, 99), [2, 3]),
        ((7,), [1]),
    ],
)
def test_batches_hold_two_or_more_and_no_more_bytes_than_they_must(
    tmp_path, sizes, lengths
) -> None:
    inputs = profiles(tmp_path, *sizes)
    groups = batches(inputs, 10)
    assert [len(group) for group in groups] == lengths
    assert [entry for group in groups for entry in group] == inputs


def test_many_profiles_are_merged_in_batches_each_weighed_once(tmp_path) -> None:
    runner = profile_tools()
    inputs = profiles(tmp_path, *(12,) * 9)
    profile = merge_profiles(runner, TOOLCHAIN, inputs, folder=tmp_path / "out", batch=30)
    merges = [command.argv[5:] for command in runner.ran if command.argv[1] == "merge"]
    assert [len(merge) for merge in merges] == [2, 2, 2, 3, 4]
    weighed = [word for merge in merges[:-1] for word in merge]
    assert weighed == [f"--weighted-input={n + 1},{tmp_path}/{n}.afdo" for n in range(9)]
    assert all(word.startswith("--weighted-input=1,") for word in merges[-1])
    assert list((tmp_path / "out").iterdir()) == [profile.path]


@pytest.mark.parametrize("weights", [(), (0,), (1, -1)])
def test_nothing_to_merge_or_a_weight_below_one_is_refused(weights, tmp_path) -> None:
    inputs = [WeightedProfile(path=Path("a"), weight=weight) for weight in weights]
    runner = profile_tools()
    with pytest.raises(ConfigError):
        merge_profiles(runner, TOOLCHAIN, inputs, folder=tmp_path)
    assert runner.ran == []


def test_normalising_gives_profiles_about_the_same_total() -> None:
    assert normalising_weights([1000, 500, 334]) == [1, 2, 3]


@pytest.mark.parametrize(
    ("samples", "weights"),
    [
        ([1500, 1000], [2, 3]),
        ([1490, 1000], [2, 3]),
        ([1000, 999], [1, 1]),
        ([700, 300], [3, 7]),
    ],
)
def test_ratios_that_are_no_integers_get_a_common_factor(samples, weights) -> None:
    assert normalising_weights(samples) == weights


def test_weights_that_were_asked_for_become_shares() -> None:
    assert normalising_weights([1500, 1000], [2, 1]) == [4, 3]


TOTALS = st.lists(st.integers(1, 10**15), min_size=1, max_size=12)


@given(samples=TOTALS, data=st.data())
def test_each_profile_gets_its_share_to_one_percent(samples, data) -> None:
    size = len(samples)
    shares = data.draw(st.lists(st.integers(1, 5), min_size=size, max_size=size))
    weights = normalising_weights(samples, shares, most=10**15)
    totals = [w * count / share for w, count, share in zip(weights, samples, shares, strict=True)]
    assert min(weights) >= 1
    assert max(totals) <= min(totals) * 1.0203


@given(samples=st.lists(st.integers(0, 2**57), min_size=1, max_size=20))
def test_normalised_counts_fit_into_64_bits(samples) -> None:
    weights = normalising_weights(samples)
    assert sum(w * count for w, count in zip(weights, samples, strict=True)) < 2**64


def test_normalising_has_a_limit_and_leaves_empty_profiles_alone() -> None:
    assert normalising_weights([10**9, 1, 0], most=50) == [1, 50, 1]
    assert normalising_weights([]) == []
