"""The lines of the page about booting, memory and disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.host import doctor_boot, doctor_size
from pkgafdo.host.boot_loader import BootLoader, Loader, OneShot
from pkgafdo.host.dkms import OutOfTree
from pkgafdo.host.doctor import Level
from pkgafdo.host.kvm import Kvm, KvmState
from pkgafdo.host.resources import GIB, Need, Room
from pkgafdo.host.secure_boot import SecureBoot


def loader(oneshot: OneShot, why: str = "") -> BootLoader:
    return BootLoader(loader=Loader.GRUB, name="GRUB 2.12", oneshot=oneshot, why=why)


@pytest.mark.parametrize(("must_boot", "level"), [(True, Level.MISSING), (False, Level.NOTE)])
def test_secure_boot_stands_in_the_way_only_of_a_run_that_boots(must_boot, level) -> None:
    finding = doctor_boot.secure_boot_finding(SecureBoot.ON, must_boot=must_boot)
    assert finding.level is level
    assert "sbctl" in finding.hint
    assert "record.road=vm" in finding.hint


def test_keys_of_sbctl_make_secure_boot_fine() -> None:
    finding = doctor_boot.secure_boot_finding(SecureBoot.SIGNING, must_boot=True)
    assert finding.level is Level.FINE


def test_a_loader_without_one_shot_says_why_and_how_by_hand() -> None:
    finding = doctor_boot.boot_loader_finding(loader(OneShot.NONE, "not saved"), tool=None)
    assert finding.level is Level.NOTE
    assert "not saved" in finding.text
    assert "choose the kernel" in finding.hint


@pytest.mark.parametrize("oneshot", [OneShot.BOOTCTL, OneShot.GRUB_REBOOT])
def test_a_missing_program_names_its_packages(oneshot: OneShot) -> None:
    finding = doctor_boot.boot_loader_finding(loader(oneshot), tool=None)
    assert finding.level is Level.NOTE
    assert "Arch: " in finding.hint
    assert "Debian: " in finding.hint
    found = doctor_boot.boot_loader_finding(loader(oneshot), tool="/usr/bin/x")
    assert found.level is Level.FINE


def test_modules_of_dkms_need_clang_to_stay() -> None:
    found = OutOfTree(dkms=("nvidia",), loaded=("nvidia_drm",))
    finding = doctor_boot.out_of_tree_finding(found, installs=True)
    assert finding.level is Level.NOTE
    assert finding.text == "DKMS: nvidia; loaded: nvidia_drm"
    assert "with clang" in finding.hint
    assert doctor_boot.out_of_tree_finding(found, installs=False).level is Level.FINE


def test_a_loaded_module_without_dkms_will_be_missed() -> None:
    found = OutOfTree(dkms=(), loaded=("zfs",))
    finding = doctor_boot.out_of_tree_finding(found, installs=True)
    assert "will lack zfs" in finding.hint


@pytest.mark.parametrize("state", KvmState)
def test_kvm_is_never_needed(state: KvmState) -> None:
    finding = doctor_boot.kvm_finding(Kvm(state=state, evidence="because"))
    assert finding.level is (Level.FINE if state is KvmState.WORKS else Level.NOTE)
    assert bool(finding.hint) is (state is not KvmState.WORKS)


def test_a_disk_counts_what_the_run_holds_already() -> None:
    def disk(free: int, held: int) -> Level:
        need = Need(path=Path("/w"), size=10 * GIB, what="2 builds")
        return doctor_size.disk_finding(Room(needs=(need,), free=free, held=held)).level

    assert disk(10 * GIB, 0) is Level.FINE
    assert disk(4 * GIB, 6 * GIB) is Level.FINE
    assert disk(4 * GIB, 5 * GIB) is Level.MISSING


def test_little_memory_is_a_note_and_far_too_little_an_obstacle() -> None:
    def memory(available: int, total: int) -> Level:
        return doctor_size.memory_finding(
            available=available, total=total, needed=12 * GIB, purpose="linking"
        ).level

    assert memory(12 * GIB, 16 * GIB) is Level.FINE
    assert memory(3 * GIB, 8 * GIB) is Level.NOTE
    assert memory(3 * GIB, 4 * GIB) is Level.MISSING
