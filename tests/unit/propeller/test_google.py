"""Google's program, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.propeller import branch_frequencies
from pkgafdo.branches.table import from_counts
from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.propeller.google import google_command, lay_out_with_google
from pkgafdo.runner.command import Command, Result
from tests.fakes.runner import FakeRunner

PROGRAM = "generate_propeller_profiles"
TABLE = from_counts(([1, 5], [2, 6], [3, 7], [0, 0]), ([2], [5], [3]), TableMeta())


def option(command: Command, name: str) -> Path:
    [value] = [word.partition("=")[2] for word in command.argv if word.startswith(f"--{name}=")]
    return Path(value)


def write_profiles(command: Command) -> Result:
    option(command, "cc_profile").write_text("v1\nf a\nc 0\n")
    option(command, "ld_profile").write_text("a\n")
    return Result(returncode=0)


def test_the_command_asks_for_both_files_and_for_module_names() -> None:
    command = google_command(
        "/opt/g", vmlinux=Path("/k/vmlinux"), frequencies=Path("/k/f.pb"), prefix=Path("/k/p")
    )
    assert command.argv == (
        "/opt/g",
        "--binary=/k/vmlinux",
        "--profile=/k/f.pb",
        "--profile_type=FREQUENCIES_PROTO",
        "--cc_profile=/k/p_cc_profile.txt",
        "--ld_profile=/k/p_ld_profile.txt",
        "--propeller_options=output_module_name: true",
    )


def test_it_reads_the_counts_and_its_files_are_put_in_place(tmp_path) -> None:
    seen = {}

    def answer(command: Command) -> Result:
        seen["frequencies"] = option(command, "profile").read_bytes()
        return write_profiles(command)

    runner = FakeRunner(answers={PROGRAM: answer})
    lay_out_with_google(runner, Path("vmlinux"), TABLE, tmp_path / "new/p")
    assert seen["frequencies"] == b"".join(branch_frequencies(TABLE))
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "p_cc_profile.txt",
        "p_ld_profile.txt",
    ]


def test_a_missing_program_is_said_to_have_no_releases_and_not_to_be_needed(tmp_path) -> None:
    with pytest.raises(HostError, match="generate_propeller_profiles is not installed") as caught:
        lay_out_with_google(FakeRunner(missing={PROGRAM}), Path("v"), TABLE, tmp_path / "p")
    assert "no releases" in caught.value.hint
    assert "needs nothing" in caught.value.hint


def test_a_program_that_writes_nothing_is_told(tmp_path) -> None:
    runner = FakeRunner(answers={PROGRAM: Result(returncode=0)})
    with pytest.raises(ArtifactError, match=r"wrote no p_cc_profile\.txt"):
        lay_out_with_google(runner, Path("v"), TABLE, tmp_path / "p")
    assert not list(tmp_path.iterdir())


def test_a_program_that_fails_leaves_the_old_files_alone(tmp_path) -> None:
    (tmp_path / "p_cc_profile.txt").write_text("old")
    runner = FakeRunner(answers={PROGRAM: Result(returncode=1)})
    with pytest.raises(CommandError):
        lay_out_with_google(runner, Path("v"), TABLE, tmp_path / "p")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
