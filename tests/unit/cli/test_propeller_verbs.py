"""Prefixes of layouts on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pkgafdo.branches.store import write_table
from pkgafdo.cli.main import main
from pkgafdo.cli.propeller_verbs import PREFIX
from tests.unit.propeller.kernels import write_kernel
from tests.unit.propeller.test_cfg import FUNCTIONS, ROWS, TABLE


@pytest.mark.parametrize("prefix", ["/", ".", "..", "o/", "", "o/."])
@pytest.mark.parametrize("verb", ["layout", "inspect"])
def test_a_folder_is_no_prefix(tmp_path, monkeypatch, capsys, verb, prefix) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o").mkdir()
    words = ["--vmlinux", "v", "--branches", "b", "-o", prefix] if verb == "layout" else [prefix]
    assert main(["propeller", verb, *words]) == 2
    assert "is a folder, not a prefix of files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


def test_a_layout_is_as_configured_and_a_method_goes_first(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write_kernel(tmp_path / "vmlinux", ROWS, *FUNCTIONS)
    write_table(TABLE, tmp_path / "t.parquet")
    (tmp_path / "pkgafdo.toml").write_text(
        '[propeller.layout]\nblocks = "source"\n[propeller.limits]\nmin_branches = 1\n'
    )
    words = ["propeller", "layout", "--vmlinux", "vmlinux", "--branches", "t.parquet", "-o", "p"]
    for options, method in (
        ([], "source"),
        (["--set", "propeller.layout.blocks=greedy"], "greedy"),
        (["--method", "ext-tsp"], "ext-tsp"),
    ):
        assert main([*words, *options, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["method"] == method
    assert main([*words, "--set", "propeller.limits.min_branches=100000"]) == 5
    inspect = ["propeller", "inspect", "p", *words[2:6]]
    assert main(inspect) == 0
    assert main([*inspect, "--set", "propeller.limits.min_branches=100000"]) == 5


def test_files_may_begin_like_a_folder_is_called(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o").mkdir()
    (tmp_path / "o_cc_profile.txt").write_text("v1\nf f\nc 0\n")
    (tmp_path / "o_ld_profile.txt").write_text("f\n")
    assert main(["propeller", "inspect", "o"]) == 0
    assert "1 in 1 clusters" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["", "_cc_profile.txt", "_ld_profile.txt"])
def test_one_of_the_two_files_names_their_prefix(suffix) -> None:
    assert PREFIX.convert(f"d/kernel{suffix}", None, None) == Path("d/kernel")
