"""repo add and repo check: what is refused before any program starts."""

from __future__ import annotations

import pytest

from pkgafdo.cli.main import exit_code, main


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "mine.db.tar.zst"), "no package is named"),
        (("add", "mine.db.tar.zst", "a.pkg.tar.zst", "--key=-x"), "a key is named by"),
        (("add", "mine.tar", "a.pkg.tar.zst"), "is not the path of a repository's database"),
        (("check", "mine.tar"), "is not the path of a repository's database"),
    ],
)
def test_what_cannot_be_meant_is_refused(capsys, monkeypatch, words, sentence) -> None:
    monkeypatch.delenv("GPGKEY", raising=False)
    assert main(["repo", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_repository_that_is_not_there_is_said(tmp_path, capsys) -> None:
    assert main(["repo", "check", str(tmp_path / "mine.db.tar.zst")]) == 5
    assert "does not exist" in capsys.readouterr().err


def test_shell_completion_is_no_bug_of_ours() -> None:
    assert exit_code(SystemExit(0)) == 0
    assert exit_code(SystemExit(1)) == 1
