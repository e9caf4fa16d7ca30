"""Whether KVM runs a guest."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from pkgafdo.errors import CommandError
from pkgafdo.host import kvm
from pkgafdo.host.kvm import KvmState, probe_kvm
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

QEMU = "qemu-system-x86_64"


def probe(root: Path, **answer) -> kvm.Kvm:
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev/kvm").touch()
    return probe_kvm(FakeRunner(answers={QEMU: Result(**answer)}), qemu=QEMU, filesystem=root)


def test_a_guest_that_ended_itself_proves_that_kvm_works(tmp_path: Path) -> None:
    assert probe(tmp_path, returncode=33).state is KvmState.WORKS


def test_a_device_without_a_guest_is_broken_with_what_qemu_said(tmp_path: Path) -> None:
    found = probe(tmp_path, returncode=1, stderr="qemu: failed to set MSR 0x10a\nmore\n")
    assert found.state is KvmState.BROKEN
    assert found.evidence == "QEMU ended with exit code 1: qemu: failed to set MSR 0x10a"


def test_a_guest_that_never_ends_is_broken(tmp_path: Path) -> None:
    def hang(command) -> Result:
        raise CommandError(f"{QEMU} ran longer than {command.timeout:g} s and was ended")

    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kvm").touch()
    found = probe_kvm(FakeRunner(answers={QEMU: hang}), qemu=QEMU, filesystem=tmp_path)
    assert found.state is KvmState.BROKEN
    assert "ran longer than 2 s" in found.evidence


def test_without_the_device_nothing_is_started(tmp_path: Path) -> None:
    runner = FakeRunner()
    assert probe_kvm(runner, qemu=QEMU, filesystem=tmp_path).state is KvmState.ABSENT
    assert runner.queried == []


def test_a_device_of_others_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *args: False)
    found = probe(tmp_path, returncode=33)
    assert found.state is KvmState.CLOSED
    assert stat.filemode((tmp_path / "dev/kvm").stat().st_mode) in found.evidence


def test_the_firmware_is_64_kib_and_begins_at_the_reset_vector() -> None:
    firmware = kvm.rom()
    assert len(firmware) == 1 << 16
    assert firmware[-16:-11] == bytes.fromhex("b010e6f4f4")
