"""Which LBR a guest gets, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo.config.load import build_config
from pkgafdo.errors import ArtifactError
from pkgafdo.host.cpu import Cpu
from pkgafdo.host.kvm import Kvm, KvmState
from pkgafdo.workflows.vm_road import VmRoad, choose_road, read_stream, why_not_cpu, why_not_kvm
from tests.fakes import perf_files as pf
from tests.fakes.perf_program import EVENT
from tests.fakes.runner import FakeRunner
from tests.unit import elf_files
from tests.unit.host.test_doctor import FACTS

SKYLAKE = Cpu(
    vendor="GenuineIntel", model_name="Skylake", family=6, model=0x5E, flags=frozenset({"pdcm"})
)
CONFIG = build_config({}, origin="the test")


@pytest.mark.parametrize(
    ("cpu", "reason"),
    [
        (SKYLAKE, ""),
        (replace(SKYLAKE, vendor="AuthenticAMD", model_name="Zen 5"), "Zen 5 is not Intel's"),
        (replace(SKYLAKE, flags=SKYLAKE.flags | {"arch_lbr"}), "architectural LBR"),
        (replace(SKYLAKE, flags=frozenset({"hypervisor"})), "no LBR that KVM passes on"),
        (replace(SKYLAKE, flags=frozenset({"hypervisor", "pdcm"})), ""),
    ],
)
def test_only_intel_s_older_kind_reaches_a_guest(cpu, reason) -> None:
    assert reason in why_not_cpu(cpu)
    assert bool(why_not_cpu(cpu)) == bool(reason)


@pytest.mark.parametrize(
    ("kvm", "expected"),
    [
        (Kvm(state=KvmState.WORKS), ""),
        (Kvm(state=KvmState.ABSENT), "KVM runs no guest: absent"),
        (Kvm(state=KvmState.BROKEN, evidence="an MSR"), "KVM runs no guest: an MSR"),
    ],
)
def test_kvm_must_run_a_guest(kvm, expected) -> None:
    assert why_not_kvm(kvm) == expected


def test_a_machine_that_cannot_gets_the_virtual_lbr_with_the_reason() -> None:
    amd = replace(FACTS, cpu=replace(SKYLAKE, vendor="AuthenticAMD", model_name="Zen 5"))
    road = choose_road(FakeRunner(), amd, CONFIG)
    assert road.lbr_format == 0
    assert "Zen 5" in road.why
    assert road.recorder(CONFIG) == ()


def test_the_user_may_want_the_virtual_one() -> None:
    config = build_config({"vm": {"lbr": "virtual"}}, origin="the test")
    road = choose_road(FakeRunner(), replace(FACTS, cpu=SKYLAKE), config)
    assert road == VmRoad(why="vm.lbr says so")


def test_perf_records_into_its_output_in_front_of_the_command() -> None:
    words = VmRoad(why="KVM passes it on", lbr_format=5).recorder(CONFIG)
    assert words == (
        "perf", "record", "-e", "cpu/event=0xc4,umask=0x20/k", "-b", "-a", "-N",
        "-c", "500009", "-o", "-", "--",
    )  # fmt: skip


@pytest.mark.parametrize("cut", [0, 5])
def test_what_perf_streamed_is_counted_as_far_as_it_goes(tmp_path, cut: int) -> None:
    branches = [(pf.TEXT + 24, pf.TEXT + 8, 2)] * 4
    records = [pf.kernel_mmap(), *(pf.sample(EVENT, branches, number=n) for n in range(1, 9))]
    content = pf.perf_pipe([EVENT], records)
    (tmp_path / "perf.data").write_bytes(content[: len(content) - cut])
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    table, damage = read_stream(tmp_path, tmp_path / "vmlinux")
    assert table.branches == 4 * (8 if not cut else 7)
    assert bool(damage) == bool(cut)


def test_a_perf_that_recorded_nothing_is_shown_with_its_words(tmp_path) -> None:
    (tmp_path / "perf.data").touch()
    (tmp_path / "output").write_text("Error: the event is not supported\n")
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    with pytest.raises(ArtifactError) as caught:
        read_stream(tmp_path, tmp_path / "vmlinux")
    assert "not supported" in caught.value.details
    assert "vm.lbr=virtual" in caught.value.hint
