"""The folder of a PKGBUILD: whole, or as it was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.packaging.pkgbuild_folder import checksum, write_folder

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {"config": b"one\n", "PKGBUILD": b"two\n", ".SRCINFO": b"three\n"}


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("exists", [False, True])
def test_all_files_come_into_a_new_or_an_empty_folder(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "a/linux-mine"
    if exists:
        folder.mkdir(parents=True)
    write_folder(folder, CONTENTS)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert listing(tmp_path / "a") == {"linux-mine"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    assert folder.stat().st_mode & 0o555 == 0o555


def test_a_clone_of_an_empty_repository_is_filled(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write_folder(tmp_path, CONTENTS)
    assert listing(tmp_path) == {".git", *CONTENTS}


@pytest.mark.parametrize("name", CONTENTS)
def test_nothing_is_overwritten_and_nothing_added(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "linux-mine"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(ConfigError, match="nothing is overwritten"):
        write_folder(folder, CONTENTS)
    assert listing(folder) == {name}
    assert (folder / name).read_text() == "mine"
    assert listing(tmp_path) == {"linux-mine"}


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "PKGBUILD").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="nothing is overwritten"):
        write_folder(tmp_path, CONTENTS)
    assert listing(tmp_path) == {"PKGBUILD"}


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="is not a folder"):
        write_folder(tmp_path / "file", CONTENTS)


@pytest.mark.parametrize("exists", [False, True])
def test_after_an_error_midway_nothing_is_left(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "linux-mine"
    if exists:
        folder.mkdir()
    # The last file's folder does not exist: it can be staged, but not given its name.
    contents = {**CONTENTS, "sub/file": b"four\n"} if exists else {**CONTENTS, "x" * 300: b""}
    with pytest.raises(OSError, match=r"No such file|too long"):
        write_folder(folder, contents)
    assert listing(tmp_path) == ({"linux-mine"} if exists else set())
    assert not exists or listing(folder) == set()


def test_the_sums_are_those_of_b2sum_and_sha256sum() -> None:
    assert checksum(b"abc", "sha256sums") == hashlib.sha256(b"abc").hexdigest()
    # RFC 7693, appendix A
    assert checksum(b"abc", "b2sums").startswith("ba80a53f981c4d0d6a2797b69f12f6e9")
