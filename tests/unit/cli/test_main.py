"""Errors turned into exit codes, and what a person reads of them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
import pytest

from pkgafdo import errors
from pkgafdo.cli import main as subject

GROUPS = [
    name
    for name, command in subject.cli.commands.items()
    if isinstance(command, click.Group) and not command.invoke_without_command
]


@pytest.fixture
def failing(monkeypatch, tmp_path):
    """Add a verb `boom` that raises; returns a function that runs it and gives the exit code."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def run(error: BaseException) -> int:
        def boom() -> None:
            raise error

        monkeypatch.setitem(subject.cli.commands, "boom", click.Command("boom", callback=boom))
        return subject.main(["boom"])

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.HostError("x"), 3),
        (errors.CommandError("x"), 4),
        (errors.ArtifactError("x"), 5),
        (errors.WaitingError("x"), 6),
        (errors.PkgafdoError("x"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("x"), 2),
        (click.BadParameter("x"), 2),
        (click.FileError("x"), 2),
    ],
)
def test_each_end_has_its_exit_code(failing, capsys, error, code: int) -> None:
    assert failing(error) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err
    assert "Traceback" not in captured.err


def test_a_verb_that_succeeds_ends_with_zero(capsys) -> None:
    assert subject.main(["config", "show"]) == 0
    assert capsys.readouterr().err == ""


def test_an_error_is_read_as_sentence_evidence_and_next_move(failing, capsys) -> None:
    error = errors.HostError("no clang", details="looked in\n/usr/bin", hint="Install clang.")
    error.add_note("while: build the kernel")
    failing(error)
    assert capsys.readouterr().err.splitlines() == [
        "pkgafdo: no clang",
        "  | looked in",
        "  | /usr/bin",
        "  → Install clang.",
        "  (while: build the kernel)",
    ]


def test_an_error_without_evidence_or_hint_is_one_line() -> None:
    assert subject.render_error(errors.ConfigError("no")) == "pkgafdo: no"


def test_an_interruption_promises_nothing_by_itself(failing, capsys) -> None:
    failing(KeyboardInterrupt())
    assert capsys.readouterr().err.strip() == "pkgafdo: interrupted"


def test_an_interruption_says_what_is_kept(failing, capsys) -> None:
    error = KeyboardInterrupt()
    error.add_note("the recording is kept")
    error.add_note("the same command goes on from here")
    assert failing(error) == 130
    said = "interrupted; the recording is kept; the same command goes on from here"
    assert capsys.readouterr().err.strip() == f"pkgafdo: {said}"


def test_a_bug_of_ours_ends_with_one_and_keeps_its_traceback(failing, capsys, tmp_path) -> None:
    assert failing(ZeroDivisionError("of a kind")) == 1
    text = capsys.readouterr().err
    assert "pkgafdo: a bug in pkgafdo: ZeroDivisionError: of a kind" in text
    assert "Traceback" not in text
    (log,) = tmp_path.glob("pkgafdo-bug-*.log")
    assert str(log) in text
    assert "Traceback" in log.read_text()
    assert "boom" in log.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["run", "--colour"],
        ["run", "--workdir"],
        ["verify", "--vmlinux", "a", "--running"],
        ["status", "extra"],
    ],
)
def test_wrong_usage_ends_with_two_and_says_how(capsys, arguments) -> None:
    assert subject.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(("Usage: ", "Error: "))


@pytest.mark.parametrize("words", [[], *([name] for name in GROUPS)], ids=str)
def test_a_group_without_a_command_ends_with_two(capsys, words: list[str]) -> None:
    assert subject.main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: ")


@pytest.mark.parametrize("option", ["-h", "--help", "--version"])
def test_asking_for_help_is_fine(capsys, option: str) -> None:
    assert subject.main([option]) == 0
    assert "pkgafdo" in capsys.readouterr().out


def test_every_verb_of_the_contract_is_there_with_help(capsys) -> None:
    verbs = [
        *("run", "plan", "status", "build", "record", "convert", "rebuild", "measure", "verify"),
        "doctor",
    ]
    for words in (*([verb] for verb in verbs), ["vmlinux", "find"], ["config", "schema"]):
        assert subject.main([*words, "--help"]) == 0, words
        text = capsys.readouterr().out
        assert "--json" in text, words
    for verb in ("run", "build", "record", "convert", "rebuild", "measure"):
        subject.main([verb, "--help"])
        text = capsys.readouterr().out
        assert "--dry-run" in text
        assert "--workdir" in text


def test_help_names_the_exit_codes(capsys) -> None:
    subject.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    for code in ("0 fine", "2 configuration", "3 the machine", "4 a program", "130 interrupted"):
        assert code in text


def test_json_of_the_schema_is_one_object_on_stdout(capsys) -> None:
    assert subject.main(["config", "schema", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["properties"].keys() >= {"vm", "kernel", "build"}
    assert captured.err == ""


def test_the_configuration_in_force_is_shown(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pkgafdo.toml").write_text("[build]\njobs = 3\n")
    arguments = ["--set", "vm.cpu=Haswell", "--source", '/src/linux "7"']
    assert subject.main(["config", "show", *arguments]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["build"]["jobs"] == 3
    assert shown["vm"]["cpu"] == "Haswell"
    assert shown["source"]["location"] == '/src/linux "7"'


def test_a_named_configuration_takes_the_place_of_the_one_here(
    capsys, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pkgafdo.toml").write_text("[build]\njobs = 3\n")
    Path("other.toml").write_text("[vm]\ncpu = 'Haswell'\n")
    assert subject.main(["config", "show", "--json", "-c", "other.toml"]) == 0
    assert json.loads(capsys.readouterr().out)["build"]["jobs"] == 0


def test_faults_of_the_configuration_end_with_two(capsys) -> None:
    assert subject.main(["config", "show", "--set", "vm.memori=1", "--set", "a.b=2"]) == 2
    text = capsys.readouterr().err
    assert "did you mean memory?" in text
    assert "  | a: unknown key" in text
