"""Leaving cold functions out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.profile.trim import trim_profile, trim_text
from pkgafdo.runner.command import Result
from tests.unit.profile.programs import TOOLCHAIN, profile_tools

TEXT = "hot:90:1\n 1: 90\n 2: inner:5\n  1: 5\ncold:1:1\n 1: 1\nwarm:9:1\n 1: 9\n"
FLAGS = "ProfileSummarySection - Offset: 242, Size: 137, Flags: {fs-discriminator}\n"


def tools(flags: str, seen: list[str]):
    def merge(command):
        if "--text" in command.argv:
            return Result(returncode=0, stdout=TEXT)
        seen.append(Path(command.argv[-1]).read_text())
        output = next(word for word in command.argv if word.startswith("--output="))
        Path(output.removeprefix("--output=")).write_bytes(b"trimmed")
        return Result(returncode=0)

    def show(command):
        if "--show-sec-info-only" in command.argv:
            return Result(returncode=0, stdout=flags)
        return profile_tools().answers["show"]

    return profile_tools(show=show, merge=merge)


def test_functions_below_the_share_are_left_out_with_all_their_lines() -> None:
    text, dropped, share = trim_text(TEXT, 0.09)
    assert text == "hot:90:1\n 1: 90\n 2: inner:5\n  1: 5\nwarm:9:1\n 1: 9\n"
    assert (dropped, share) == (1, 0.99)


def test_an_empty_profile_stays_empty() -> None:
    assert trim_text("", 0.1) == ("", 0, 0.0)


@pytest.mark.parametrize(("flags", "is_fs"), [(FLAGS, True), ("Flags: {}\n", False)])
def test_flow_sensitive_discriminators_stay_marked(tmp_path, flags, is_fs) -> None:
    seen: list[str] = []
    runner = tools(flags, seen)
    trimmed = trim_profile(runner, TOOLCHAIN, Path("k"), least_share=0.5, folder=tmp_path / "o")
    assert seen == ["hot:90:1\n 1: 90\n 2: inner:5\n  1: 5\n"]
    assert ("--profile-isfs" in runner.ran[0].argv) is is_fs
    assert trimmed.profile.path.read_bytes() == b"trimmed"
    assert trimmed.dropped == 2
    assert list((tmp_path / "o").iterdir()) == [trimmed.profile.path]


@pytest.mark.parametrize("share", [0.0, 1.0, -1, 7])
def test_what_is_no_share_is_refused(tmp_path, share) -> None:
    with pytest.raises(ConfigError, match="not a share"):
        trim_profile(profile_tools(), TOOLCHAIN, Path("k"), least_share=share, folder=tmp_path)


def test_a_share_that_no_function_has_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="No function"):
        trim_profile(tools("", []), TOOLCHAIN, Path("k"), least_share=0.95, folder=tmp_path)
