"""The finder of templates, in each of the three places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError
from pkgafdo.templates import FOLDER, find_template

if TYPE_CHECKING:
    from pathlib import Path


def put(folder: Path) -> Path:
    path = folder / FOLDER / "PKGBUILD.j2"
    path.parent.mkdir(parents=True)
    path.write_text("x")
    return path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "top/pkgafdo"
    package.mkdir(parents=True)
    return package


def test_in_a_checkout_it_lies_beside_the_package(tmp_path: Path, package: Path) -> None:
    (package.parent / "pyproject.toml").write_text("")
    path = put(package.parent)
    put(tmp_path / "share")
    assert find_template("PKGBUILD.j2", package=package, share=tmp_path / "share") == path


def test_in_an_installed_package_it_lies_inside(tmp_path: Path, package: Path) -> None:
    path = put(package)
    put(tmp_path / "share")
    assert find_template("PKGBUILD.j2", package=package, share=tmp_path / "share") == path


def test_else_it_lies_under_share(tmp_path: Path, package: Path) -> None:
    path = put(tmp_path / "share")
    assert find_template("PKGBUILD.j2", package=package, share=tmp_path / "share") == path


def test_what_lies_beside_an_installed_package_is_not_ours(tmp_path: Path, package: Path) -> None:
    put(package.parent)
    with pytest.raises(HostError, match=r"PKGBUILD\.j2 is missing"):
        find_template("PKGBUILD.j2", package=package, share=tmp_path / "share")


def test_this_checkout_has_its_template() -> None:
    assert find_template("PKGBUILD.j2").is_file()
