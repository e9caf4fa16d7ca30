"""Changes that can be taken back, to the byte."""

from __future__ import annotations

import json

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.packaging.adapt_state import STATE, revert, write_changes

OLD = b"pkgver=1\r\n# \xff\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "PKGBUILD").write_bytes(OLD)
    return tmp_path


def everything(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_written_is_taken_back_to_the_byte(folder) -> None:
    before = everything(folder)
    write_changes(folder, {"PKGBUILD": b"new", "kernel.afdo": b"profile"})
    assert (folder / "PKGBUILD").read_bytes() == b"new"
    assert revert(folder) == ("PKGBUILD", "kernel.afdo")
    assert everything(folder) == before
    assert not (folder / STATE).exists()


def test_two_changes_are_taken_back_to_the_first_original(folder) -> None:
    write_changes(folder, {"PKGBUILD": b"one"})
    write_changes(folder, {"PKGBUILD": b"two"})
    revert(folder)
    assert (folder / "PKGBUILD").read_bytes() == OLD


def test_a_change_by_hand_between_two_is_where_it_goes_back_to(folder) -> None:
    write_changes(folder, {"PKGBUILD": b"one"})
    (folder / "PKGBUILD").write_bytes(b"by hand")
    write_changes(folder, {"PKGBUILD": b"two"})
    revert(folder)
    assert (folder / "PKGBUILD").read_bytes() == b"by hand"


def test_a_change_by_hand_is_not_lost(folder) -> None:
    write_changes(folder, {"PKGBUILD": b"new"})
    (folder / "PKGBUILD").write_bytes(b"by hand")
    with pytest.raises(ArtifactError, match="PKGBUILD was changed after"):
        revert(folder)
    assert (folder / "PKGBUILD").read_bytes() == b"by hand"


def test_a_write_that_fails_midway_leaves_whole_files_and_the_way_back(folder) -> None:
    (folder / "taken").mkdir()
    with pytest.raises(OSError):
        write_changes(folder, {"PKGBUILD": b"new", "taken": b"x"})
    assert (folder / "PKGBUILD").read_bytes() in {b"new", OLD}
    assert not list(folder.glob(".PKGBUILD.*"))


def test_a_kill_before_the_files_are_written_is_taken_back(folder) -> None:
    write_changes(folder, {"PKGBUILD": b"new"})
    # What was to be written is noted first; the file itself is still as it was.
    (folder / "PKGBUILD").write_bytes(OLD)
    revert(folder)
    assert everything(folder) == {"PKGBUILD": OLD}


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path) -> None:
    (tmp_path / "real").write_bytes(OLD)
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "PKGBUILD").symlink_to("real")
    write_changes(tmp_path, {"PKGBUILD": b"new"})
    assert (tmp_path / "PKGBUILD").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o755


def test_nothing_to_take_back_is_said(folder) -> None:
    with pytest.raises(ArtifactError, match="not changed by pkgafdo"):
        revert(folder)


def test_a_folder_of_that_name_that_is_not_ours_is_left_alone(folder) -> None:
    (folder / STATE).mkdir()
    (folder / STATE / "x").write_text("theirs")
    with pytest.raises(ConfigError, match="not made by pkgafdo"):
        write_changes(folder, {"PKGBUILD": b"new"})
    with pytest.raises(ArtifactError):
        revert(folder)
    assert (folder / "PKGBUILD").read_bytes() == OLD


@pytest.mark.parametrize("name", ["../outside", "..", "a/b"])
def test_a_tampered_index_reaches_nothing_outside(folder, name) -> None:
    write_changes(folder, {"PKGBUILD": b"new"})
    index = folder / STATE / "changes.json"
    plain = json.loads(index.read_text())
    plain[name] = {"written": "0" * 64, "existed": False}
    index.write_text(json.dumps(plain))
    outside = folder.parent / "outside"
    outside.write_text("keep")
    assert revert(folder) == ("PKGBUILD",)
    assert outside.read_text() == "keep"


def test_a_damaged_index_is_said_to_be(folder) -> None:
    write_changes(folder, {"PKGBUILD": b"new"})
    (folder / STATE / "changes.json").write_text("{")
    with pytest.raises(ArtifactError, match="is damaged"):
        revert(folder)
