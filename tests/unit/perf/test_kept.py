"""Keeping a copy of the stream: its limit, a full disk, whole records."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pkgafdo.perf.kept import KeptFile, whole_records
from tests.fakes import perf_files as pf
from tests.fakes.perf_program import EVENT, stacks

if TYPE_CHECKING:
    from pathlib import Path

STREAM = pf.perf_pipe([EVENT], [pf.kernel_mmap(), *stacks(9)])
ONE = len(stacks(1)[0])


def keep(path: Path, *pieces: bytes, limit: int = 1 << 30, reserve: int = 0) -> KeptFile:
    kept = KeptFile(path=path, limit=limit, reserve=reserve)
    kept.open()
    for piece in pieces:
        kept.write(memoryview(piece))
    kept.close()
    return kept


def test_the_copy_is_the_stream(tmp_path: Path) -> None:
    kept = keep(tmp_path / "d", STREAM[:100], STREAM[100:])
    assert kept.path.read_bytes() == STREAM
    assert kept.size == len(STREAM)
    assert kept.ended == ""


def test_the_copy_is_private(tmp_path: Path) -> None:
    assert keep(tmp_path / "d", STREAM).path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", [len(STREAM), len(STREAM) - ONE - 5, 100])
def test_at_its_limit_the_copy_ends_after_a_whole_record(tmp_path: Path, at: int) -> None:
    kept = keep(tmp_path / "d", STREAM[:at], STREAM[at:], limit=len(STREAM) - 1)
    assert "reached" in kept.ended
    assert kept.path.read_bytes() == STREAM[:-ONE]
    assert kept.size == len(STREAM) - ONE


def test_where_the_disk_is_nearly_full_the_copy_ends(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    kept = keep(tmp_path / "d", STREAM, reserve=disk.f_bavail * disk.f_frsize + (1 << 30))
    assert "the disk has less than" in kept.ended
    assert kept.path.stat().st_size == 0


def test_what_comes_after_the_end_is_passed_over(tmp_path: Path) -> None:
    kept = KeptFile(path=tmp_path / "d", limit=len(STREAM) - 1, reserve=0)
    kept.open()
    for _ in range(3):
        kept.write(memoryview(STREAM))
    assert kept.ended
    assert kept.path.read_bytes() == STREAM[:-ONE]


@pytest.mark.parametrize("cut", [0, 7, 16, 20])
def test_a_beginning_holds_no_record(tmp_path: Path, cut: int) -> None:
    (tmp_path / "d").write_bytes(STREAM[:cut])
    assert whole_records(tmp_path / "d") == min(cut, 16)


def test_a_record_of_no_size_ends_what_is_whole(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(STREAM + bytes(64))
    assert whole_records(tmp_path / "d") == len(STREAM)
