"""Files that are whole or absent, and folders that carry our mark."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files as subject
from pkgafdo.errors import ConfigError, HostError

if TYPE_CHECKING:
    from pathlib import Path

KIND = "test folder, format 1"


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_digested_by_its_bytes(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert subject.sha256_file(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_the_digest_of_a_value_does_not_depend_on_the_order_of_keys() -> None:
    assert subject.sha256_json({"a": 1, "b": [2]}) == subject.sha256_json({"b": [2], "a": 1})
    assert subject.sha256_json({"a": 1}) != subject.sha256_json({"a": "1"})


def test_a_replaced_file_appears_whole_and_readable_by_all(tmp_path) -> None:
    path = tmp_path / "new" / "file"
    with subject.replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "half"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert names(path.parent) == ["file"]


def test_a_file_system_that_takes_no_files_is_refused_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**where: object) -> None:  # as below /proc
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(where["dir"]))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    place = tmp_path / "x.toml"
    with pytest.raises(HostError, match=re.escape(f"{place} could not be written")):
        subject.write_text(place, "x")


def test_a_failure_leaves_the_old_file_and_no_temporary_one(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with subject.replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_json_comes_back_as_it_was_written(tmp_path) -> None:
    value = {"text": "“ü”", "list": [1, None, 2.5], "deep": {"x": True}}
    subject.write_json(tmp_path / "v.json", value)
    assert subject.read_json(tmp_path / "v.json") == value
    assert "“ü”" in (tmp_path / "v.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("prepare", ["absent", "empty"])
def test_a_new_or_empty_folder_becomes_ours(tmp_path, prepare: str) -> None:
    folder = tmp_path / "a" / "b"
    if prepare == "empty":
        folder.mkdir(parents=True)
    subject.mark_folder(folder, KIND)
    subject.require_ours(folder, KIND)
    assert (folder / subject.MARK).read_text() == KIND + "\n"


def test_a_folder_of_ours_keeps_what_it_holds(tmp_path) -> None:
    subject.mark_folder(tmp_path / "f", KIND)
    (tmp_path / "f" / "kept").write_text("x")
    subject.mark_folder(tmp_path / "f", KIND)
    assert (tmp_path / "f" / "kept").read_text() == "x"


def test_a_foreign_folder_is_refused_with_what_it_holds(tmp_path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="not empty") as caught:
        subject.mark_folder(tmp_path, KIND)
    assert "thesis.tex" in caught.value.details
    assert names(tmp_path) == ["thesis.tex"]


def test_a_folder_of_another_kind_is_refused(tmp_path) -> None:
    subject.mark_folder(tmp_path / "f", "something else")
    with pytest.raises(ConfigError, match="belongs to something else") as caught:
        subject.require_ours(tmp_path / "f", KIND)
    assert "something else" in caught.value.details
    assert KIND in caught.value.details


def test_a_file_is_no_folder(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="is not a folder"):
        subject.mark_folder(tmp_path / "file", KIND)


def test_a_folder_that_cannot_be_created_is_a_fault_of_the_configuration(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be created") as caught:
        subject.mark_folder(tmp_path / "file" / "below", KIND)
    assert caught.value.hint


def test_a_folder_whose_marking_was_killed_can_be_marked_again(tmp_path) -> None:
    (tmp_path / f".{subject.MARK}.abc123").write_text("")
    subject.mark_folder(tmp_path, KIND)
    subject.require_ours(tmp_path, KIND)


def test_only_a_marked_folder_is_removed(tmp_path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    subject.mark_folder(ours, KIND)
    (ours / "sub").mkdir()
    (ours / "sub" / "file").write_text("x")
    foreign.mkdir()
    (foreign / "file").write_text("x")
    subject.remove_marked(ours)
    assert not ours.exists()
    with pytest.raises(ConfigError, match="was not made by pkgafdo"):
        subject.remove_marked(foreign)
    assert (foreign / "file").exists()


def test_removing_what_is_not_there_is_fine(tmp_path) -> None:
    subject.remove_marked(tmp_path / "absent")
    assert names(tmp_path) == []


def test_a_link_to_a_folder_of_ours_is_not_followed(tmp_path) -> None:
    subject.mark_folder(tmp_path / "ours", KIND)
    (tmp_path / "link").symlink_to(tmp_path / "ours")
    with pytest.raises(ConfigError):
        subject.remove_marked(tmp_path / "link")
    with pytest.raises(ConfigError):
        subject.remake_marked(tmp_path / "link", KIND)
    assert (tmp_path / "ours" / subject.MARK).is_file()


def test_links_within_a_removed_folder_keep_their_targets(tmp_path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "file").write_text("x")
    subject.mark_folder(tmp_path / "ours", KIND)
    (tmp_path / "ours" / "link").symlink_to(tmp_path / "target")
    subject.remove_marked(tmp_path / "ours")
    assert (tmp_path / "target" / "file").exists()


def test_a_removal_that_was_cut_short_can_be_taken_up_again(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "ours"
    subject.mark_folder(folder, KIND)
    for name in ("a", "z"):
        (folder / name).mkdir()

    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            subject.remove_marked(folder)
    assert (folder / subject.MARK).is_file()
    subject.remake_marked(folder, KIND)
    assert names(folder) == [subject.MARK]


def test_remaking_accepts_the_empty_folder_that_a_killed_removal_left(tmp_path) -> None:
    (tmp_path / "f").mkdir()
    subject.remake_marked(tmp_path / "f", KIND)
    assert names(tmp_path / "f") == [subject.MARK]


def test_remaking_refuses_a_foreign_folder(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError):
        subject.remake_marked(tmp_path, KIND)
    assert names(tmp_path) == ["file"]


def test_the_tail_of_a_long_file_is_its_last_lines(tmp_path) -> None:
    (tmp_path / "log").write_text("".join(f"line {n}\n" for n in range(10_000)))
    assert subject.tail(tmp_path / "log", 3) == "line 9997\nline 9998\nline 9999"


def test_the_tail_of_a_short_or_broken_file_is_all_of_it(tmp_path) -> None:
    (tmp_path / "log").write_bytes(b"a\xff\nb")
    assert subject.tail(tmp_path / "log") == "a\ufffd\nb"
    (tmp_path / "empty").touch()
    assert subject.tail(tmp_path / "empty") == ""
