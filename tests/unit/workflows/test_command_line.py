"""The line that repeats a run: its own settings, ready for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pkgafdo.cli.options import words_of
from pkgafdo.workflows.command_line import again, keep_words
from pkgafdo.workflows.report_facts import commands_of


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a space in its name, which is the current one."""
    folder = tmp_path / "my kernels"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_line_has_the_settings_and_the_folder_they_are_relative_to(here: Path) -> None:
    (here / "own.toml").touch()
    words = words_of(Path("own.toml"), "../linux", ("workload.command=make -j 'x'", "vm.cpus=2"))
    keep_words(here / "w", folder=here, verb="run", words=words, stages=())
    line = again(here / "w", "rebuild")
    assert shlex.split(line) == [
        *("cd", str(here), "&&", "pkgafdo", "rebuild", "--workdir", str(here / "w")),
        *("--config", str(here / "own.toml"), "--source", "../linux"),
        *("--set", "workload.command=make -j 'x'", "--set", "vm.cpus=2"),
    ]
    assert commands_of({}, here / "w")[0]["commands"] == [again(here / "w", "run")]


def test_the_configuration_that_lies_here_is_named(here: Path) -> None:
    assert words_of(None, None, ()) == ()
    (here / "pkgafdo.toml").touch()
    assert words_of(None, None, ()) == ("--config", str(here / "pkgafdo.toml"))


@pytest.mark.parametrize("content", [None, "{", "[]", '{"folder": 1}'])
def test_a_folder_that_keeps_nothing_is_named_alone(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "command.json").write_text(content)
    assert again(tmp_path, "run") == f"pkgafdo run --workdir {tmp_path}"
