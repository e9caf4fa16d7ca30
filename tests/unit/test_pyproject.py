"""What pyproject.toml says of versions, held against what was found."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DO_NOT_WORK: Final = {
    "build": "1.2",  # withdrawn
    "click": "8.1.8",  # a group without a command ends with 0
    "hatchling": "1.26",  # withdrawn
    "scipy": "1.12.0",  # the rank test knows no permutations
    "tree-sitter-bash": "0.23.0",  # never published
}


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def named(pyproject: dict[str, Any]) -> list[str]:
    project = pyproject["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["dev"]]


def test_the_lowest_versions_are_those_that_scripts_test_floors_ran_on(named: list[str]) -> None:
    ran_on = (CHECKOUT / "docs/floors.txt").read_text(encoding="utf-8").splitlines()
    assert [line.replace(">=", "==") for line in named] == ran_on, "run scripts/test-floors"


@pytest.mark.parametrize("name", DO_NOT_WORK)
def test_versions_that_do_not_work_are_not_allowed(pyproject, named: list[str], name: str) -> None:
    lines = [*named, *pyproject["build-system"]["requires"]]
    found = [one for one in map(Requirement, lines) if one.name == name]
    assert found
    assert not any(one.specifier.contains(DO_NOT_WORK[name]) for one in found)


def test_types_are_read_as_the_python_that_runs_mypy(pyproject: dict[str, Any]) -> None:
    """The types of what was installed for a newer Python have syntax that an older one lacks."""
    assert "python_version" not in pyproject["tool"]["mypy"]
