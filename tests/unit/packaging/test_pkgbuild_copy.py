"""Copies of a PKGBUILD's folder: what comes in, what is set, what is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.pkgbuild_copy import (
    OURS,
    content_of,
    copy_folder,
    folder_digest,
    is_ours,
    keep_changes,
    set_pkgrel,
    set_variables,
)
from tests.unit.packaging.hostile import HOSTILE, ONE_LINE
from tests.unit.packaging.pkgbuilds import pkgbuild, second_round

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "linux-mine"
    contents = {
        "PKGBUILD": "pkgrel=3\n", "config": "x", "sub/a.patch": "y", "src/linux/Makefile": "built",
        "pkg/linux/file": "built", ".git/config": "git", "linux-1-1-any.pkg.tar.zst": "package",
        "linux/HEAD": "ref", "linux/objects/pack": "clone",
    }  # fmt: skip
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_makepkg_made_and_clones_are_not_copied(folder: Path, tmp_path: Path) -> None:
    names = {str(path.relative_to(folder)) for path in content_of(folder)}
    assert names == {"PKGBUILD", "config", "sub/a.patch"}
    copy_folder(folder, tmp_path / "copy")
    (tmp_path / "copy/stale").write_text("of an earlier round")
    copy_folder(folder, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == {
        "PKGBUILD", "config", "sub", ".pkgafdo",
    }  # fmt: skip


def test_a_folder_without_a_pkgbuild_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no PKGBUILD"):
        content_of(tmp_path)


def test_the_digest_sees_an_edit_and_not_what_makepkg_makes(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / "src/linux/Makefile").write_text("built again")
    assert folder_digest(folder) == before
    os.utime(folder / "config", ns=(1, 1))
    assert folder_digest(folder) != before


def test_both_rounds_of_a_generated_pkgbuild_are_told_from_others() -> None:
    assert is_ours(render_pkgbuild(pkgbuild()))
    assert is_ours(render_pkgbuild(second_round()))
    assert not is_ours("pkgname=x\n_profile=''\n")


def test_setting_the_variables_of_a_round_is_what_new_would_write() -> None:
    first, second = render_pkgbuild(pkgbuild()), second_round()
    assert second.profile is not None
    assert second.provenance is not None
    values = dict.fromkeys(OURS, "") | {
        "_profile": second.profile.name,
        "_profile_sum": second.profile.checksum,
        "_provenance_sum": second.provenance.checksum,
        "_address_map": "no",
    }
    wanted = render_pkgbuild(pkgbuild(profile=second.profile, provenance=second.provenance))
    assert set_variables(first, values).replace("'", "") == wanted.replace("'", "")


def test_a_variable_that_is_not_on_one_line_of_its_own_is_refused() -> None:
    for text in ("", "_profile=a\n_profile=b\n", "  _profile=a\n"):
        with pytest.raises(ArtifactError, match="_profile"):
            set_variables(text, {"_profile": "x"})


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_stays_a_value(value: str) -> None:
    if value in ONE_LINE or value.isprintable():
        text = set_variables("_profile=''\n", {"_profile": value})
        assert text.count("\n") == 1
        assert text.startswith("_profile='")
    elif any(ord(one) < 32 for one in value):
        with pytest.raises(ValueError, match="control characters"):
            set_variables("_profile=''\n", {"_profile": value})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pkgrel=3\n", "pkgrel=0.1\n"),
        ("pkgrel=3.1  \nx=1\n", "pkgrel=0.1\nx=1\n"),
        ("pkgrel=$_rel\n", "pkgrel=$_rel\n"),
        ("pkgrel=1\npkgrel=2\n", "pkgrel=1\npkgrel=2\n"),
    ],
)
def test_a_plain_pkgrel_is_lowered_and_another_is_left_alone(text: str, wanted: str) -> None:
    assert set_pkgrel(text, "0.1") == wanted


def test_only_what_differs_is_kept(folder: Path, tmp_path: Path) -> None:
    copy_folder(folder, tmp_path / "copy")
    (tmp_path / "copy/PKGBUILD").write_text("pkgrel=4\n")
    (tmp_path / "copy/kernel.afdo").write_text("profile")
    place = tmp_path / "kept"
    kept = keep_changes(tmp_path / "copy", folder, place, ("PKGBUILD", "config", "kernel.afdo"))
    assert [path.name for path in kept] == ["PKGBUILD", "kernel.afdo"]
    assert (place / "PKGBUILD").read_text() == "pkgrel=4\n"
