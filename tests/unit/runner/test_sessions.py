"""What is written down of running commands, without starting one."""

from __future__ import annotations

import os

from pkgafdo import files
from pkgafdo.runner import sessions as subject

NO_SUCH_PROCESS = 2**22 + 1  # above the largest pid_max of Linux


def test_this_process_is_a_member_of_its_session_and_has_a_start_time() -> None:
    assert os.getpid() in subject.members(os.getsid(0))
    assert int(subject.start_time(os.getpid()) or "") > 0


def test_a_process_that_is_gone_has_no_start_time_and_its_session_no_members() -> None:
    assert subject.start_time(NO_SUCH_PROCESS) is None
    assert subject.members(NO_SUCH_PROCESS) == []


def test_a_record_names_process_start_and_command(tmp_path) -> None:
    path = subject.record(tmp_path / "running", os.getpid(), "make all")
    entry = files.read_json(path)
    assert path.parent == tmp_path / "running"
    assert (entry["pid"], entry["command"]) == (os.getpid(), "make all")
    assert entry["start_time"] == subject.start_time(os.getpid())


def test_records_of_processes_that_are_gone_are_removed_silently(tmp_path) -> None:
    subject.record(tmp_path, NO_SUCH_PROCESS, "make")
    assert subject.end_orphans(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_broken_record_is_removed(tmp_path) -> None:
    for name, text in (("1.json", ""), ("2.json", "[]"), ("3.json", "{}"), ("4.json", "nonsense")):
        (tmp_path / name).write_text(text)
    assert subject.end_orphans(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_holds_no_orphans(tmp_path) -> None:
    assert subject.end_orphans(tmp_path / "absent") == []
