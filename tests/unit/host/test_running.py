"""Which kernel runs, from the notes that it shows."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError, WaitingError
from pkgafdo.host.running import (
    BootedKernel,
    other_kernel_runs,
    require_running_kernel,
    running_build_id,
    running_kernel,
)

if TYPE_CHECKING:
    from pathlib import Path

BUILT = "6c623817e2aa78e2fefecaff502cc832e6d7d46f"
OTHER = "e4f18d9dc1d0e6fc2b17e93e885a647b3c0a6fc1"


def note(name: bytes, kind: int, content: bytes) -> bytes:
    padded = [part + bytes(-len(part) % 4) for part in (name + b"\0", content)]
    return struct.pack("<III", len(name) + 1, len(content), kind) + b"".join(padded)


def system(folder: Path, notes: bytes) -> Path:
    (folder / "sys/kernel").mkdir(parents=True)
    (folder / "sys/kernel/notes").write_bytes(notes)
    return folder


def running(folder: Path, build_id: str) -> Path:
    salt = note(b"Linux", 0x100, b"some salt\0")
    return system(folder, salt + note(b"GNU", 3, bytes.fromhex(build_id)))


def test_the_build_id_is_found_among_other_notes(tmp_path: Path) -> None:
    assert running_build_id(running(tmp_path, BUILT)) == BUILT


def test_the_running_kernel_has_its_release(tmp_path: Path) -> None:
    kernel = running_kernel(running(tmp_path, BUILT))
    assert kernel == BootedKernel(release=os.uname().release, build_id=BUILT)


def test_a_machine_without_sysfs_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="does not show its build-id") as refusal:
        running_build_id(tmp_path)
    assert "/sys" in refusal.value.hint


def test_a_kernel_without_a_build_id_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="has no build-id"):
        running_build_id(system(tmp_path, note(b"Linux", 0x100, b"salt\0")))


def test_the_expected_kernel_is_let_through(tmp_path: Path) -> None:
    require_running_kernel(
        BootedKernel(release="of no matter", build_id=BUILT), filesystem=running(tmp_path, BUILT)
    )


def test_another_kernel_waits_and_names_both(tmp_path: Path) -> None:
    expected = BootedKernel(release="7.2.13-pkgafdo-base", build_id=BUILT)
    with pytest.raises(WaitingError) as refusal:
        require_running_kernel(expected, filesystem=running(tmp_path, OTHER))
    assert os.uname().release in refusal.value.message
    assert "7.2.13-pkgafdo-base" in refusal.value.message
    assert BUILT[:12] in refusal.value.message
    assert OTHER[:12] in refusal.value.message


def test_another_build_of_the_same_release_is_another_kernel() -> None:
    sentence = other_kernel_runs(
        BootedKernel(release="7.2.13", build_id=OTHER),
        BootedKernel(release="7.2.13", build_id=BUILT),
    )
    assert sentence is not None
    assert "another build of 7.2.13" in sentence
