"""The verb that writes a configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pkgafdo.cli.main import main
from pkgafdo.config.load import load_config

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_init_writes_a_file_that_loads_and_says_why(capsys, tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    assert main(["init", "--yes", "-o", str(path)]) == 0
    text = capsys.readouterr().out
    assert "road " in text
    assert "pkgafdo doctor" in text
    load_config(path)


def test_init_takes_the_file_here_and_never_twice(
    capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--yes", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["path"] == str(tmp_path / "pkgafdo.toml")
    assert data["road"]["value"] in {"host", "vm"}
    before = (tmp_path / "pkgafdo.toml").read_bytes()
    assert main(["init", "--yes"]) == 2
    assert "left as it is" in capsys.readouterr().err
    assert (tmp_path / "pkgafdo.toml").read_bytes() == before


def test_without_a_terminal_nothing_is_asked(capsys, tmp_path: Path) -> None:
    assert main(["init", "-o", str(tmp_path / "x.toml")]) == 0
    assert capsys.readouterr().err == ""
