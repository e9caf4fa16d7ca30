"""The verbs of measuring, at the edge: which options they take, and where they keep files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pkgafdo.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("verb", ["run", "measure"])
def test_the_noise_floor_is_a_wish_of_its_own(capsys, verb: str) -> None:
    assert main([verb, "--help"]) == 0
    assert "--noise-floor" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["-w", "W"], ["--json"], ["--noise-floor"]])
def test_options_before_a_further_verb_are_refused_rather_than_forgotten(
    capsys, tmp_path: Path, options: list[str]
) -> None:
    assert main(["measure", *options, "repeat"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "stand behind its name" in said.err
    assert "pkgafdo measure repeat and then the options" in said.err


def test_a_plan_for_a_run_lies_where_its_report_looks(capsys, tmp_path: Path) -> None:
    words = ["a", "b", "--boots", "2", "--json", "-w", str(tmp_path)]
    assert main(["measure", "plan", *words]) == 0
    path = tmp_path / "measurements/plan.json"
    assert json.loads(capsys.readouterr().out)["path"] == str(path)
    assert path.is_file()


def test_a_plan_without_a_run_lies_here(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["measure", "plan", "a", "b", "--boots", "2"]) == 0
    assert (tmp_path / "pkgafdo-measurements/plan.json").is_file()


@pytest.mark.parametrize(("boots", "warned"), [("4", True), ("5", False)])
def test_a_plan_says_what_it_cannot_come_to(
    capsys, tmp_path: Path, boots: str, warned: bool
) -> None:
    words = ["no-such-1", "no-such-2", "--boots", boots, "-o", str(tmp_path / "plan.json")]
    assert main(["measure", "plan", *words]) == 0
    said = capsys.readouterr().err
    assert ("there is no verdict" in said) is warned
    for release in ("no-such-1", "no-such-2"):
        assert f"{release} is not installed here" in said


@pytest.mark.parametrize("option", ["--reboot", "--go-on"])
def test_without_a_plan_nothing_reboots(capsys, option: str) -> None:
    assert main(["measure", "host", option]) == 2
    assert "without a plan no kernel is next" in capsys.readouterr().err
