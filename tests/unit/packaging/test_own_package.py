"""pkgafdo's own PKGBUILD says what pyproject.toml says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomli

from pkgafdo.packaging.srcinfo_read import read_srcinfo

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDER = CHECKOUT / "pkgbuild-templates/pkgafdo"
ARCH_NAMES = {"jinja2": "python-jinja"}
"""Where Arch's name is not python- and PyPI's."""


@pytest.fixture
def project() -> dict[str, Any]:
    project: dict[str, Any] = tomli.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return project


@pytest.fixture
def fields() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (FOLDER / ".SRCINFO").read_text().splitlines():
        key, _, value = line.strip().partition(" = ")
        found.setdefault(key, []).append(value)
    return found


def test_name_version_description_and_licence_agree(project, fields) -> None:
    read = read_srcinfo((FOLDER / ".SRCINFO").read_text())
    assert (read.pkgbase, read.pkgver) == (project["name"], project["version"])
    assert fields["pkgdesc"] == [project["description"]]
    assert fields["license"] == [project["license"]]
    assert read.sources == (f"pkgafdo-{project['version']}.tar.gz",)


def test_every_dependency_is_a_package_of_arch(project, fields) -> None:
    named = {*fields["depends"], *(one.partition(":")[0] for one in fields["optdepends"])}
    for requirement in project["dependencies"]:
        name = re.split(r"[><=~! ]", requirement)[0]
        assert ARCH_NAMES.get(name, f"python-{name}") in named


def test_it_has_a_check(fields) -> None:
    assert "python-pytest" in fields["checkdepends"]
    assert "\ncheck() {\n" in (FOLDER / "PKGBUILD").read_text()
