"""Commands on this machine: output, exit codes, environment, input, rights."""

from __future__ import annotations

import os
import pwd
import subprocess  # noqa: TID251  pastes a logged line into a shell of its own
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import Builder

pytestmark = pytest.mark.real

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop its rights")


def sh(script: str, **options) -> Command:
    return Command(argv=("sh", "-c", script), **options)


def test_output_is_captured_and_timed(runner) -> None:
    result = runner.query(sh("echo out; echo err >&2; sleep 0.1"))
    assert (result.returncode, result.stdout, result.stderr) == (0, "out\n", "err\n")
    assert 0.1 <= result.seconds < 30
    assert result.log is None


def test_output_that_is_no_text_is_replaced(runner) -> None:
    assert runner.query(sh(r"printf 'a\377b'")).stdout == "a\ufffdb"


def test_arguments_arrive_as_they_are(runner) -> None:
    strange = ("a b", "", "$HOME", "'\"", "*", "ü\n", "-n")
    result = runner.query(Command(argv=("printf", "%s|", *strange)))
    assert result.stdout == "".join(f"{one}|" for one in strange)


def test_an_exit_code_that_is_not_accepted_is_an_error_with_the_evidence(runner) -> None:
    with pytest.raises(CommandError, match="sh failed with exit code 3") as caught:
        runner.run(sh("echo said; echo complained >&2; exit 3", hint="Do better."))
    assert caught.value.returncode == 3
    assert caught.value.details == "said\ncomplained"
    assert caught.value.hint.startswith("Command: sh -c")
    assert "exit 3" in caught.value.command


def test_other_exit_codes_can_be_accepted(runner) -> None:
    assert runner.query(sh("exit 1", accept=frozenset({0, 1}))).returncode == 1
    with pytest.raises(CommandError):
        runner.query(sh("exit 0", accept=frozenset({1})))


def test_a_missing_program_is_named_with_its_hint(runner) -> None:
    with pytest.raises(HostError, match="no-such-program is not installed") as caught:
        runner.query(Command(argv=("no-such-program",), hint="It is in the package x."))
    assert caught.value.hint == "It is in the package x."
    with pytest.raises(HostError) as caught:
        runner.query(Command(argv=("no-such-program",)))
    assert "doctor" in caught.value.hint


def test_a_program_that_is_none_could_not_be_started(runner, tmp_path) -> None:
    (tmp_path / "broken").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "broken").chmod(0o755)
    with pytest.raises(HostError, match="could not be started") as caught:
        runner.query(Command(argv=(str(tmp_path / "broken"),)))
    assert "Exec format error" in caught.value.details


def test_a_folder_that_does_not_exist_is_told(runner, tmp_path) -> None:
    with pytest.raises(HostError) as caught:
        runner.query(Command(argv=("true",), cwd=tmp_path / "absent"))
    assert "absent" in caught.value.details


def test_only_the_path_of_the_runner_is_searched(runner, tmp_path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "tool").chmod(0o755)
    assert runner.which("tool") is None
    mine = replace(runner, env={"PATH": str(tmp_path)})
    assert mine.which("tool") == str(tmp_path / "tool")
    assert mine.query(Command(argv=("tool",))).stdout == "mine\n"
    assert mine.which("sh") is None


def test_the_environment_is_not_inherited(runner, monkeypatch) -> None:
    """Variables of the caller's shell must not decide how a kernel is built."""
    monkeypatch.setenv("MAKEFLAGS", "-j99")
    result = runner.query(Command(argv=("env",), env={"ONLY": "this"}))
    names = {line.partition("=")[0] for line in result.stdout.splitlines()}
    assert names == {"PATH", "LC_ALL", "ONLY"}


def test_a_command_lays_its_environment_over_the_runners(runner) -> None:
    result = runner.query(sh("echo $LC_ALL", env={"LC_ALL": "C.UTF-8"}))
    assert result.stdout == "C.UTF-8\n"


def test_a_command_runs_in_its_folder(runner, tmp_path) -> None:
    assert runner.query(Command(argv=("pwd",), cwd=tmp_path)).stdout == f"{tmp_path}\n"


@pytest.mark.parametrize("log", [None, "cat"])
def test_standard_input_is_what_the_command_says(runner, log) -> None:
    text = "first\nsecond ü"
    assert runner.run(Command(argv=("cat",), stdin=text, log=log)).stdout == text


@pytest.mark.parametrize("log", [None, "cat"])
def test_without_standard_input_there_is_its_end_at_once(runner, log) -> None:
    assert runner.run(Command(argv=("cat",), timeout=20, log=log)).stdout == ""


@pytest.mark.parametrize("log", [None, "true"])
def test_a_program_need_not_read_its_input(runner, log) -> None:
    assert runner.run(Command(argv=("true",), stdin="x" * 10**6, log=log)).returncode == 0


def test_a_logged_command_keeps_its_whole_output_and_returns_the_end(runner, tmp_path) -> None:
    result = runner.run(sh("seq 1000; echo err >&2", log="count"))
    assert result.log == tmp_path / "logs" / "count.log"
    text = result.log.read_text()
    assert text.startswith("\n+ sh -c 'seq 1000; echo err >&2'\n1\n2\n")
    assert text.endswith("999\n1000\nerr\n")
    assert result.stdout.splitlines()[0] == "972"
    assert result.stdout.splitlines()[-2:] == ["1000", "err"]


def test_the_logged_line_can_be_pasted_into_a_shell(runner, tmp_path) -> None:
    command = Command(
        argv=("sh", "-c", 'echo "$A" "$1"; cat', "x", "it's"),
        env={"A": "a b"}, cwd=tmp_path, stdin="EOF\nend\n", log="paste",
    )  # fmt: skip
    result = runner.run(command)
    head, _, said = result.log.read_text().partition("\nEOF_\n")
    pasted = head.removeprefix("\n+ ") + "\nEOF_\n"
    shell = subprocess.run(["sh"], input=pasted, capture_output=True, text=True, check=True)
    assert shell.stdout == said == "a b it's\nEOF\nend\n"


def test_a_log_is_appended_to_and_each_result_is_its_own(runner) -> None:
    runner.run(sh("echo first", log="both"))
    result = runner.run(sh("true", log="both"))
    assert result.stdout == ""
    assert result.log.read_text() == "\n+ sh -c 'echo first'\nfirst\n\n+ sh -c true\n"


def test_a_failed_logged_command_names_its_log_and_shows_its_end(runner, tmp_path) -> None:
    with pytest.raises(CommandError) as caught:
        runner.run(sh("seq 100; exit 2", log="fail"))
    assert str(tmp_path / "logs" / "fail.log") in caught.value.hint
    assert caught.value.details.splitlines() == [str(n) for n in range(71, 101)]


def test_each_line_is_handed_on_as_it_comes(runner, tmp_path) -> None:
    """The second line is written only once the first has been seen."""
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        (tmp_path / "go").touch()

    script = f"echo one; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; printf 'tw\\377'"
    runner.run(sh(script, log="lines", timeout=20), on_line=on_line)
    assert seen == ["one", "tw\ufffd"]


def test_a_listener_that_fails_ends_the_command(runner, tmp_path) -> None:
    def on_line(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match="one"):
        runner.run(sh(f"echo one; sleep 60; touch {tmp_path}/late", log="bad"), on_line=on_line)
    assert not (tmp_path / "late").exists()


def test_a_runner_without_a_log_folder_cannot_log(runner) -> None:
    with pytest.raises(ValueError, match="log folder"):
        replace(runner, logs=None).run(sh("true", log="x"))


@pytest.mark.parametrize("log", [None, "slow"])
def test_a_command_that_takes_too_long_is_ended(runner, log) -> None:
    with pytest.raises(CommandError, match=r"ran longer than 0\.3 s") as caught:
        runner.run(sh("echo begun; sleep 60; echo never", timeout=0.3, log=log))
    assert caught.value.details == "begun"


def test_a_command_that_is_quick_enough_is_not_ended(runner) -> None:
    assert runner.run(sh("sleep 0.2", timeout=20, log="quick")).returncode == 0


def test_only_what_changes_something_is_remembered(runner) -> None:
    runner.query(sh("true"))
    runner.run(sh("true", env={"A": "1"}))
    assert runner.commands == ["A=1 sh -c true"]


def test_root_that_cannot_be_gained_is_an_error_with_a_hint(runner) -> None:
    with pytest.raises(HostError, match="needs root") as caught:
        replace(runner, root=None).run(sh("true", run_as=RunAs.ROOT))
    assert "sudo" in caught.value.hint


def test_a_root_command_gets_the_prefix(runner) -> None:
    command = Command(argv=("sh", "-c", "echo $A"), run_as=RunAs.ROOT)
    assert replace(runner, root=("env", "A=yes")).run(command).stdout == "yes\n"


def test_a_missing_prefix_is_named_instead_of_the_command(runner) -> None:
    command = Command(argv=("true",), run_as=RunAs.ROOT, hint="true is in coreutils.")
    with pytest.raises(HostError, match="no-such-sudo is not installed") as caught:
        replace(runner, root=("no-such-sudo",)).run(command)
    assert "coreutils" not in caught.value.hint


def test_without_a_build_user_we_build_ourselves(runner) -> None:
    result = runner.run(Command(argv=("id", "-u"), run_as=RunAs.BUILDER))
    assert result.stdout == f"{os.geteuid()}\n"


@needs_root
def test_root_drops_to_the_build_user_with_its_groups_and_home(runner) -> None:
    entry = pwd.getpwnam("nobody")
    builder = Builder(name="nobody", uid=entry.pw_uid, gid=entry.pw_gid, home="/nowhere")
    script = (
        "id -u; id -g; id -G; echo $HOME $USER $LOGNAME; env | cut -d= -f1 | sort | tr '\\n' ' '"
    )
    dropping = replace(runner, builder=builder)
    uid, gid, groups, names, variables = dropping.run(
        sh(script, run_as=RunAs.BUILDER, cwd=Path("/"))
    ).stdout.splitlines()
    assert (uid, gid, groups) == (str(builder.uid), str(builder.gid), str(builder.gid))
    assert names == "/nowhere nobody nobody"
    assert set(variables.split()) == {"HOME", "LC_ALL", "LOGNAME", "PATH", "PWD", "USER"}
    assert dropping.run(Command(argv=("id", "-u"))).stdout == "0\n"


@needs_root
def test_the_build_users_files_belong_to_it(runner, tmp_path_factory) -> None:
    entry = pwd.getpwnam("nobody")
    builder = Builder(name="nobody", uid=entry.pw_uid, gid=entry.pw_gid, home="/")
    open_folder = Path("/dev/shm") / f"test-{os.getpid()}"
    open_folder.mkdir(mode=0o777)
    open_folder.chmod(0o777)
    try:
        command = Command(argv=("touch", "made"), cwd=open_folder, run_as=RunAs.BUILDER)
        replace(runner, builder=builder).run(command)
        assert (open_folder / "made").stat().st_uid == builder.uid
    finally:
        (open_folder / "made").unlink(missing_ok=True)
        open_folder.rmdir()
