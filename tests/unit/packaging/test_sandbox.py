"""How bubblewrap is called, and what becomes of its answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.packaging.sandbox import (
    OUTPUT_LIMIT,
    Sandbox,
    bwrap_argv,
    probe_command,
    read_inside,
    require_sandbox,
    sandboxed_command,
    trusted_command,
)
from pkgafdo.runner.command import Result, RunAs
from tests.fakes.runner import FakeRunner

FOLDER = Path("/somewhere/linux-x")


def options(name: str) -> list[tuple[str, ...]]:
    argv = bwrap_argv(FOLDER)
    return [argv[at + 1 : at + 3] for at, word in enumerate(argv) if word == name]


def test_nothing_can_be_written_to_but_a_small_tmpfs() -> None:
    argv = bwrap_argv(FOLDER)
    assert not {"--bind", "--bind-try", "--dev-bind", "--overlay"} & set(argv)
    assert argv.count("--tmpfs") == 1
    assert "--size" in argv


def test_there_is_no_network_no_rights_and_no_environment() -> None:
    argv = bwrap_argv(FOLDER)
    assert {"--unshare-all", "--clearenv", "--die-with-parent", "--new-session"} <= set(argv)
    assert "--share-net" not in argv
    assert argv[argv.index("--cap-drop") + 1] == "ALL"


def test_only_the_system_and_the_folder_are_seen() -> None:
    seen = {place for place, _ in options("--ro-bind")}
    assert seen == {"/usr", str(FOLDER)}
    tried = {place for place, _ in options("--ro-bind-try")}
    assert not tried & {"/etc", "/etc/shadow", "/home", "/root"}


def test_what_runs_is_an_argument_after_all_options() -> None:
    argv = sandboxed_command(("bash", "-n", "--version"), FOLDER).argv
    assert argv[argv.index("--", argv.index("bwrap")) + 1 :] == ("bash", "-n", "--version")


def test_a_trusted_folder_is_read_as_the_build_user() -> None:
    command = trusted_command(("makepkg", "--printsrcinfo"), FOLDER)
    assert (command.run_as, command.cwd) == (RunAs.BUILDER, FOLDER)
    assert "bwrap" not in command.argv


def test_without_bubblewrap_nothing_is_read() -> None:
    with pytest.raises(HostError, match="only read inside bubblewrap") as caught:
        require_sandbox(Sandbox(runner=FakeRunner(missing={"bwrap"})))
    assert "Arch: bubblewrap, Debian: bubblewrap" in caught.value.hint


def test_without_user_namespaces_it_says_so() -> None:
    runner = FakeRunner(answers={"bwrap": Result(returncode=1, stderr="No permissions to create")})
    with pytest.raises(HostError, match="does not work here") as caught:
        require_sandbox(Sandbox(runner=runner))
    assert caught.value.details == "No permissions to create"
    assert "--trust" in caught.value.hint
    assert runner.queried == [probe_command()]


def test_trust_asks_for_no_bubblewrap() -> None:
    runner = FakeRunner(missing={"bwrap"})
    require_sandbox(Sandbox(runner=runner, trusted=True))
    assert runner.queried == []


@pytest.mark.parametrize(
    "result", [Result(returncode=1), Result(returncode=0, stdout="x" * OUTPUT_LIMIT)]
)
def test_a_failure_and_endless_output_are_refused(result) -> None:
    sandbox = Sandbox(runner=FakeRunner(answers={"bash": result}))
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_inside(sandbox, ("makepkg", "--printsrcinfo"), FOLDER)


def test_a_pkgbuild_that_never_ends_is_refused() -> None:
    def answer(command):
        raise CommandError("bash ran longer than 60 s and was ended")

    with pytest.raises(ArtifactError, match="does not let itself be read") as caught:
        read_inside(Sandbox(runner=FakeRunner(answers={"bash": answer})), ("x",), FOLDER)
    assert "60 s" in caught.value.details


def test_what_a_pkgbuild_says_as_it_fails_is_passed_on_short_and_without_signs() -> None:
    stderr = "".join(f"line {number}\n" for number in range(9)) + "\x1b[31mred\n" + "x" * 999
    result = Result(returncode=1, stderr=stderr)
    with pytest.raises(ArtifactError) as caught:
        read_inside(Sandbox(runner=FakeRunner(answers={"bash": result})), ("x",), FOLDER)
    assert caught.value.details.splitlines() == [
        "it ended with exit code 1", "line 6", "line 7", "line 8", " [31mred", "x" * 200,
    ]  # fmt: skip
