"""The journal on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pkgafdo import files
from pkgafdo.errors import ArtifactError
from pkgafdo.pipeline.journal import Journal, change_of, entry_of, record_file
from pkgafdo.pipeline.stage import Produced
from tests.unit.pipeline.stages import entry


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(folder=tmp_path / "journal", base=tmp_path)


def test_an_entry_comes_back_as_it_was_written(journal, tmp_path) -> None:
    inside, outside = tmp_path / "out" / "image", tmp_path.parent / "elsewhere"
    inside.parent.mkdir()
    for path in (inside, outside):
        path.write_text("x")
    written = entry(
        "build",
        recipe={"jobs": 2, "list": [1, "a"]},
        inputs={"source.path": "ab"},
        files={"inside": record_file(inside), "outside": record_file(outside)},
        facts={"release": "7.2", "deep": {"x": [None]}},
        commands=("make -j2", "make install"),
        seconds=1.25,
    )
    journal.write(written)
    assert journal.read() == {"build": written}


def test_paths_inside_the_work_folder_move_with_it(journal, tmp_path) -> None:
    (tmp_path / "image").write_text("x")
    journal.write(entry("build", files={"image": record_file(tmp_path / "image")}))
    moved = Journal(folder=journal.folder, base=Path("/moved"))
    assert moved.read()["build"].files["image"].path == Path("/moved/image")


def test_a_journal_that_does_not_exist_is_empty(journal) -> None:
    assert journal.read() == {}


def test_removing_makes_a_stage_forgotten_and_may_be_repeated(journal) -> None:
    journal.write(entry("build"))
    journal.write(entry("record"))
    journal.remove("build")
    journal.remove("build")
    assert list(journal.read()) == ["record"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"format": 99}',
        '{"format": 1, "stage": "b"}',
        json.dumps({
            "format": 1, "stage": "b", "recipe": {}, "inputs": {}, "files": [], "facts": {},
            "commands": [], "seconds": 1, "started": "", "pkgafdo": "",
        }),
        json.dumps({"format": 1, "stage": "b", "recipe": {}, "inputs": {}, "files": {"x": 1}}),
    ],
)  # fmt: skip
def test_a_corrupt_entry_counts_as_absent_with_a_warning(journal, capsys, text: str) -> None:
    journal.write(entry("good"))
    (journal.folder / "bad.json").write_text(text)
    assert list(journal.read()) == ["good"]


def test_an_entry_that_is_no_text_counts_as_absent(journal) -> None:
    journal.folder.mkdir()
    (journal.folder / "bad.json").write_bytes(b"\xff\xfe\x00")
    assert journal.read() == {}


def test_what_a_killed_write_left_is_no_entry(journal) -> None:
    journal.write(entry("good"))
    (journal.folder / ".build.json.x1y2").write_text('{"format": 1')
    assert list(journal.read()) == ["good"]


def test_a_file_that_a_stage_failed_to_make_is_an_error(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="should have been made"):
        record_file(tmp_path / "absent")


def test_an_unchanged_file_has_no_change(tmp_path) -> None:
    path = tmp_path / "image"
    path.write_text("one")
    assert change_of(record_file(path)) is None


def test_a_file_with_another_time_but_the_same_content_has_no_change(tmp_path) -> None:
    path = tmp_path / "image"
    path.write_text("one")
    record = record_file(path)
    os.utime(path, (1, 1))
    assert change_of(record) is None


@pytest.mark.parametrize("text", ["two", "longer"])
def test_a_changed_file_is_named(tmp_path, text: str) -> None:
    path = tmp_path / "image"
    path.write_text("one")
    record = record_file(path)
    path.write_text(text)
    os.utime(path, (1, 1))
    assert change_of(record) == "image was changed"


def test_a_missing_file_is_named(tmp_path) -> None:
    path = tmp_path / "image"
    path.write_text("one")
    record = record_file(path)
    path.unlink()
    assert change_of(record) == "image is missing"


def test_a_finished_stage_becomes_an_entry_with_digests(tmp_path) -> None:
    (tmp_path / "image").write_text("x")
    made = entry_of(
        "build",
        Produced(files={"image": tmp_path / "image"}, facts={"n": 1}),
        recipe={"a": 1},
        inputs={"s.x": "d"},
        commands=("make",),
        seconds=2.0,
        started="now",
        version="1",
    )
    assert made.digest_of("image") == files.sha256_file(tmp_path / "image")
    assert made.digest_of("n") == files.sha256_json(1)
    with pytest.raises(KeyError):
        made.digest_of("absent")


def test_the_journal_tells_when_it_last_changed(tmp_path) -> None:
    journal = Journal(folder=tmp_path / "journal", base=tmp_path)
    assert journal.changed() == 0
    journal.write(entry("one"))
    os.utime(journal.folder / "one.json", (5, 5))
    os.utime(journal.folder, (7, 7))
    assert journal.changed() == 7
    os.utime(journal.folder / "one.json", (9, 9))
    assert journal.changed() == 9
