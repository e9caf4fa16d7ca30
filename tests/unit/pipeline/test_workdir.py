"""The work folder: ours, alone, and looked into without a trace."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files
from pkgafdo.errors import ConfigError
from pkgafdo.pipeline import workdir as subject

if TYPE_CHECKING:
    from pathlib import Path


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def test_a_new_folder_is_made_marked_and_locked(tmp_path) -> None:
    with subject.locked(tmp_path / "deep" / "w") as workdir:
        assert (workdir.path / files.MARK).read_text() == subject.KIND + "\n"
        assert (workdir.path / "lock").read_text() == f"{os.getpid()}\n"


def test_its_parts_lie_below_it(tmp_path) -> None:
    workdir = subject.Workdir(path=tmp_path)
    assert {workdir.logs, workdir.running, workdir.journal.folder} == {
        tmp_path / "logs",
        tmp_path / "running",
        tmp_path / "journal",
    }
    assert workdir.journal.base == tmp_path


def test_a_second_run_in_the_same_folder_is_refused_with_the_firsts_number(tmp_path) -> None:
    with subject.locked(tmp_path / "w"):  # noqa: SIM117  the second must fail within the first
        with pytest.raises(ConfigError, match="another run is at work") as caught:
            subject.locked(tmp_path / "w").__enter__()
    assert str(os.getpid()) in caught.value.details
    assert caught.value.hint


def test_the_folder_is_free_again_after_a_run_even_a_failed_one(tmp_path) -> None:
    def fail() -> None:
        with subject.locked(tmp_path / "w"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with subject.locked(tmp_path / "w") as workdir:
        assert workdir.path == tmp_path / "w"


def test_the_lock_file_names_only_the_newest_run(tmp_path) -> None:
    for _ in range(2):
        with subject.locked(tmp_path / "w"):
            assert (tmp_path / "w" / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_held_by_a_run_that_wrote_no_number_is_respected(tmp_path) -> None:
    with subject.locked(tmp_path / "w"):
        pass
    with (tmp_path / "w" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError) as caught:
            subject.locked(tmp_path / "w").__enter__()
    assert "unknown" in caught.value.details


@pytest.mark.parametrize("look", [subject.look_into, lambda p: subject.locked(p).__enter__()])
def test_a_foreign_folder_is_refused_and_left_as_it_is(tmp_path, look) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    before = everything(tmp_path)
    with pytest.raises(ConfigError, match="not made by pkgafdo"):
        look(tmp_path)
    assert everything(tmp_path) == before


def test_a_folder_of_another_kind_is_refused(tmp_path) -> None:
    files.mark_folder(tmp_path / "guest", "pkgafdo guest")
    with pytest.raises(ConfigError, match="belongs to something else"):
        subject.look_into(tmp_path / "guest")


def test_looking_into_a_folder_changes_nothing(tmp_path) -> None:
    with subject.locked(tmp_path / "w"):
        pass
    before = everything(tmp_path)
    assert subject.look_into(tmp_path / "w").path == tmp_path / "w"
    assert subject.look_into(tmp_path / "absent").journal.read() == {}
    assert subject.require_workdir(tmp_path / "w").path == tmp_path / "w"
    assert everything(tmp_path) == before


@pytest.mark.parametrize("prepare", ["absent", "empty"])
def test_a_folder_without_a_run_cannot_be_asked_for_one(tmp_path, prepare: str) -> None:
    if prepare == "empty":
        (tmp_path / "w").mkdir()
    with pytest.raises(ConfigError, match="there is no run in") as caught:
        subject.require_workdir(tmp_path / "w")
    assert "pkgafdo run" in caught.value.hint


def test_records_of_commands_that_are_gone_are_cleared_on_entry(tmp_path) -> None:
    with subject.locked(tmp_path / "w") as workdir:
        workdir.running.mkdir()
        (workdir.running / "1.json").write_text("")
    with subject.locked(tmp_path / "w") as workdir:
        assert list(workdir.running.iterdir()) == []
