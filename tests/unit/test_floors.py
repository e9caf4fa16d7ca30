"""The lowest versions that pyproject.toml allows are those that the unit tests were run on."""

from __future__ import annotations

import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_lowest_versions_are_those_that_scripts_test_floors_ran_on() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = project["dependencies"] + project["optional-dependencies"]["dev"]
    ran_on = (CHECKOUT / "docs/floors.txt").read_text(encoding="utf-8").splitlines()
    assert [line.replace(">=", "==") for line in named] == ran_on, "run scripts/test-floors"
