"""The command lines of check, adapt and update, as far as they need no program."""

from __future__ import annotations

import json

import pytest

from pkgafdo.cli.main import main
from pkgafdo.packaging.adapt_state import write_changes


def test_a_change_is_taken_back(tmp_path, capsys) -> None:
    (tmp_path / "PKGBUILD").write_bytes(b"old")
    write_changes(tmp_path, {"PKGBUILD": b"new"})
    assert main(["pkgbuild", "adapt", str(tmp_path), "--revert", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"reverted": ["PKGBUILD"]}
    assert (tmp_path / "PKGBUILD").read_bytes() == b"old"


def test_the_pkgbuild_itself_names_its_folder(tmp_path, capsys) -> None:
    (tmp_path / "PKGBUILD").write_bytes(b"old")
    write_changes(tmp_path, {"PKGBUILD": b"new"})
    assert main(["pkgbuild", "adapt", str(tmp_path / "PKGBUILD"), "--revert"]) == 0
    assert (tmp_path / "PKGBUILD").read_bytes() == b"old"


def test_revert_goes_with_nothing_else(tmp_path, capsys) -> None:
    for option in (("--write",), ("--lto", "thin"), ("--profile", "x")):
        assert main(["pkgbuild", "adapt", str(tmp_path), "--revert", *option]) == 2
        assert "--revert goes with nothing else" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("update", "."),
        ("adapt", ".", "--lto", "full"),
        ("adapt", ".", "--march", "$(x)"),
        ("check",),
    ],
)
def test_what_is_no_order_is_refused(words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["pkgbuild", *words]) == 2


def test_a_folder_without_a_pkgbuild_is_refused(tmp_path, capsys) -> None:
    for words in (("check",), ("adapt",), ("update", "--version", "7.2")):
        assert main(["pkgbuild", words[0], str(tmp_path), *words[1:]]) == 2
        assert "holds no PKGBUILD" in capsys.readouterr().err


def test_what_is_no_text_is_refused(tmp_path, capsys) -> None:
    (tmp_path / "PKGBUILD").write_bytes(b"a\0b")
    assert main(["pkgbuild", "adapt", str(tmp_path)]) == 5
    (tmp_path / "PKGBUILD").write_bytes(b"#" * (2 << 20))
    assert main(["pkgbuild", "check", str(tmp_path)]) == 5
    assert "more than 1 MiB" in capsys.readouterr().err


def test_hostile_versions_reach_nothing(tmp_path) -> None:
    (tmp_path / "PKGBUILD").write_bytes(b"pkgver=1\n")
    for value in ("$(touch x)", "7.2;touch x", "7.2\ntouch x", "../7.2", "-rf"):
        assert main(["pkgbuild", "update", str(tmp_path), f"--version={value}"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["PKGBUILD"]
