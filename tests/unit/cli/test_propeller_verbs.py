"""Prefixes of layouts on the command line."""

from __future__ import annotations

import pytest

from pkgafdo.cli.main import main


@pytest.mark.parametrize("prefix", ["/", ".", "..", "o/", "", "o/."])
@pytest.mark.parametrize("verb", ["layout", "inspect"])
def test_a_folder_is_no_prefix(tmp_path, monkeypatch, capsys, verb, prefix) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o").mkdir()
    words = ["--vmlinux", "v", "--branches", "b", "-o", prefix] if verb == "layout" else [prefix]
    assert main(["propeller", verb, *words]) == 2
    assert "is a folder, not a prefix of files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


def test_files_may_begin_like_a_folder_is_called(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o").mkdir()
    (tmp_path / "o_cc_profile.txt").write_text("v1\nf f\nc 0\n")
    (tmp_path / "o_ld_profile.txt").write_text("f\n")
    assert main(["propeller", "inspect", "o"]) == 0
    assert "1 in 1 clusters" in capsys.readouterr().out
