"""The verbs about this machine, at the edge: what they take and how they end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import ShellComplete

from pkgafdo.cli.boot_options import Boot, keep_going, note_idle
from pkgafdo.cli.main import cli, main
from pkgafdo.errors import ConfigError
from tests.unit.workflows.sessions import SessionRunner, make_session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SUDO_UID", raising=False)


def test_record_service_is_two_words_and_has_its_own_verbs(capsys) -> None:
    assert main(["record", "service", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("install", "status", "remove", "sample"))


def test_record_itself_says_that_there_is_a_service(capsys) -> None:
    assert main(["record", "--help"]) == 0
    assert "service  Record short profiles in the background" in capsys.readouterr().out


def completed(words: str, incomplete: str) -> list[str]:
    found = ShellComplete(cli, {}, "pkgafdo", "_X").get_completions(words.split(), incomplete)
    return [one.value for one in found]


def test_the_service_is_completed_as_the_first_word_of_record_alone() -> None:
    assert completed("record", "") == ["service"]
    assert completed("record", "se") == ["service"]
    assert completed("record --host --", "se") == []
    assert completed("record make", "se") == []
    assert completed("record service", "st") == ["status"]
    assert "--host" in completed("record", "--h")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-- make -j4", "`pkgafdo record --host -- make -j4`, or --vm in place of --host"),
        ("servic status", "Did you mean `pkgafdo record service status`?"),
        ("--seconds 5 --output x", "--seconds, --output: only with --host or --vm"),
        ("--host make -j4", ". If it is COMMAND's, put `--` before COMMAND."),
    ],
)
def test_words_that_record_cannot_take_are_named_with_the_way_that_does(
    capsys, words: str, said: str
) -> None:
    assert main(["record", *words.split()]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_an_option_that_is_none_is_only_that_without_a_command(capsys) -> None:
    assert main(["record", "--nonsense"]) == 2
    assert "COMMAND" not in capsys.readouterr().err.partition("Error:")[2]


def test_the_status_of_the_service_without_one(capsys, tmp_path: Path) -> None:
    assert main(["record", "service", "status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["profiles"] == {}
    assert status["state"] == str(tmp_path / ".local/state/pkgafdo/profiles")


def test_an_unknown_word_after_service_ends_with_two(capsys) -> None:
    assert main(["record", "service", "instal"]) == 2
    assert "No such command" in capsys.readouterr().err


def test_uninstall_without_anything_installed_does_nothing(capsys, tmp_path: Path) -> None:
    assert main(["uninstall", "--yes", "-w", str(tmp_path)]) == 0
    assert "installed no kernel" in capsys.readouterr().out


def test_run_takes_the_options_about_the_reboot(capsys) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--reboot" in text
    assert "--go-on" in text


def test_a_run_that_goes_on_by_itself_may_not_record_with_no_end(tmp_path: Path) -> None:
    session = make_session(tmp_path, SessionRunner(), record={"road": "host", "workloads": []})
    with pytest.raises(ConfigError, match="with no end"):
        keep_going(session, Boot(go_on=True))
    keep_going(session, Boot(reboot=True))


def test_options_about_a_reboot_that_no_stage_needs_are_said_to_do_nothing(capsys) -> None:
    note_idle(Boot(reboot=True, go_on=True), reboots=False)
    assert "nothing comes of --reboot and --go-on" in " ".join(capsys.readouterr().err.split())
    note_idle(Boot(reboot=True), reboots=True)
    note_idle(Boot(), reboots=False)
    assert capsys.readouterr().err == ""
