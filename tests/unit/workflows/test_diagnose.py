"""The page about a machine, against what the configured run will do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.config.load import build_config
from pkgafdo.host.doctor import Diagnosis, Finding, Level
from pkgafdo.runner.command import Command, Result
from pkgafdo.workflows.diagnose import diagnose_host
from tests.fakes.runner import FakeRunner
from tests.unit.host import machines

if TYPE_CHECKING:
    from collections.abc import Callable

CPUINFO = Path(__file__).parents[2] / "data/cpuinfo"
LLVM = ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-objdump", "llvm-readelf",
        "llvm-strip", "llvm-profgen", "llvm-profdata")  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An Arch-like machine with a Zen 4 and systemd-boot."""
    machines.write(tmp_path, "etc/os-release", "ID=cachyos\nID_LIKE=arch\n")
    machines.write(tmp_path, "proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 60000000 kB\n")
    machines.write(tmp_path, "proc/cpuinfo", (CPUINFO / "zen4.txt").read_text(encoding="utf-8"))
    machines.write(tmp_path, "var/lib/pacman/local/bash-5-1/desc", "%NAME%\nbash\n")
    for name in ("gelf.h", "openssl/opensslv.h"):
        machines.write(tmp_path, f"usr/include/{name}")
    machines.announce(tmp_path, "systemd-boot 257", features=machines.ONE_SHOT)
    return tmp_path


def version_of(versions: dict[str, str]) -> Callable[[Command], Result]:
    def answer(command: Command) -> Result:
        name = command.program.rsplit("/", 1)[-1]
        said = f"{name} version {versions.get(name, '22.1.0')}"
        return Result(returncode=0, stdout=said if "--version" in command.argv else "")

    return answer


def machine(missing: set[str] = frozenset(), **versions: str) -> FakeRunner:  # type: ignore[assignment]
    suffixed = {f"{name}-{number}" for name in LLVM for number in range(17, 31)}
    llvm = version_of({name.replace("_", "-"): one for name, one in versions.items()})
    perf = "perf version 6.17\n    libpfm4: [ on  ]  # HAVE_LIBPFM\n"
    qemu = "supports only up to version 4"
    return FakeRunner(
        missing=suffixed | set(missing),
        answers=dict.fromkeys(LLVM, llvm)
        | {
            "perf": Result(returncode=0, stdout=perf),
            "qemu-system-x86_64": Result(returncode=1, stderr=qemu),
        },
    )


def page(root: Path, runner: FakeRunner | None = None, **sections) -> Diagnosis:
    config = build_config(sections, origin="the test")
    return diagnose_host(config, workdir=root / "work", filesystem=root, runner=runner or machine())


def line(diagnosis: Diagnosis, name: str) -> Finding:
    (found,) = (one for one in diagnosis.findings if one.name == name)
    return found


def test_a_fit_machine_is_healthy_and_says_what_it_records_with(root: Path) -> None:
    found = page(root)
    assert found.healthy, [one for one in found.findings if one.level is Level.MISSING]
    assert "AMD LBR v2" in line(found, "branch records").text
    assert line(found, "perf record").text == "/usr/bin/perf of Linux 6.17, with libpfm"
    assert line(found, "virtual LBR").text == "QEMU takes plugins (API 4)"
    assert "boots an entry once" in line(found, "boot loader").text
    assert line(found, "recording").text == "in the VM (as configured)"


def test_the_road_is_told_before_it_is_probed(root: Path) -> None:
    found = page(root, record={"road": "auto"})
    assert line(found, "recording").text.startswith("on this machine (AMD LBR v2")
    brought = page(root, profile={"file": "/x.afdo"})
    assert line(brought, "recording").text == "none: the profile is /x.afdo"


def test_an_llvm_of_different_versions_cannot_be_used(root: Path) -> None:
    found = page(root, machine(llvm_profgen="19.1.7"))
    assert not found.healthy
    finding = line(found, "LLVM")
    assert "llvm-profgen 19.1.7 is of another LLVM than clang 22.1.0" in finding.text
    assert "Install all parts of one LLVM" in finding.hint


def test_a_mixed_llvm_that_is_passed_over_is_mentioned(root: Path) -> None:
    runner = machine(llvm_profgen="19.1.7")
    runner.missing -= {f"{name}-20" for name in LLVM}
    runner.answers |= {f"{name}-20": version_of({f"{name}-20": "20.1.0"}) for name in LLVM}
    found = page(root, runner)
    assert found.healthy
    assert "20.1.0" in line(found, "LLVM").text
    assert line(found, "LLVM=1").level is Level.NOTE


def test_an_llvm_profgen_without_kernels_is_an_obstacle_unless_a_profile_is_brought(root) -> None:
    runner = machine()
    unknown = "llvm-profgen: Unknown command line argument '--kernel'.  Try: --help\n"

    def profgen(command: Command) -> Result:
        if "--version" in command.argv:
            return Result(returncode=0, stdout="LLVM version 22.1.0")
        return Result(returncode=1, stderr=unknown)

    runner.answers["llvm-profgen"] = profgen
    assert line(page(root, runner), "abilities").text == "this LLVM lacks --kernel"
    assert page(root, runner, profile={"file": "/x.afdo"}).healthy


def test_a_virtual_machine_has_no_branch_records_and_takes_the_other_road(root: Path) -> None:
    text = (CPUINFO / "epyc-in-a-vm.txt").read_text(encoding="utf-8")
    machines.write(root, "proc/cpuinfo", text)
    finding = line(page(root), "branch records")
    assert finding.level is Level.NOTE
    assert "a hypervisor hides them" in finding.text
    assert "record.road=vm" in finding.hint


def test_a_container_keeps_perf_from_branch_records(root: Path) -> None:
    machines.write(root, ".dockerenv")
    finding = line(page(root), "branch records")
    assert finding.level is Level.NOTE
    assert "Docker" in finding.text


def test_perf_without_libpfm_is_no_obstacle_on_amd(root: Path) -> None:
    runner = machine()
    runner.answers["perf"] = Result(returncode=0, stdout="perf version 6.1\n libpfm4: [ OFF ]\n")
    finding = line(page(root, runner), "perf record")
    assert finding.level is Level.NOTE
    assert "cpu/event=0xc4/k" in finding.hint


def test_a_disk_that_is_too_small_for_the_configured_builds_is_an_obstacle(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5 << 30})())
    assert page(root).healthy
    modules = "".join(f"CONFIG_M{number}=m\n" for number in range(6000))
    machines.write(root, "etc/kernel.config", modules)
    own = {"base": str(root / "etc/kernel.config")}
    finding = line(page(root, kernel=own), "disk")
    assert finding.level is Level.MISSING
    assert "2 builds of “/" in finding.text
    assert "the kernel source" in finding.text
    assert "build.disk_gib" in finding.hint
    known = page(root, kernel=own, build={"disk_gib": 0.5})
    assert line(known, "disk").level is Level.FINE


def test_a_configuration_that_cannot_be_read_has_no_size(root: Path) -> None:
    finding = line(page(root, kernel={"base": "running"}), "disk")
    assert finding.level is Level.MISSING
    assert "configuration is nowhere to be found" in finding.text


def test_little_memory_for_a_distributions_kernel_is_said(root: Path) -> None:
    machines.write(root, "proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 6000000 kB\n")
    assert line(page(root), "memory").level is Level.FINE
    assert line(page(root, kernel={"base": "running"}), "memory").level is Level.NOTE


def test_secure_boot_is_an_obstacle_only_for_a_run_that_boots_its_kernel(root: Path) -> None:
    machines.secure_boot(root, on=True)
    assert page(root).healthy
    assert page(root, record={"road": "host"}).healthy
    found = page(root, record={"road": "host"}, install={"system": True})
    assert line(found, "Secure Boot").level is Level.MISSING
    signed = page(root, record={"road": "host"}, install={"system": True, "signed": True})
    assert signed.healthy


def test_the_road_over_the_host_needs_branch_records_and_perf(root: Path) -> None:
    text = (CPUINFO / "epyc-in-a-vm.txt").read_text(encoding="utf-8")
    machines.write(root, "proc/cpuinfo", text)
    found = page(root, machine(missing={"perf"}), record={"road": "host"})
    assert line(found, "branch records").level is Level.MISSING
    assert {one.level for one in found.findings if one.name.startswith("perf")} == {Level.MISSING}
