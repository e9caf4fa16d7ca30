"""The page about a machine, against what the configured run will do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pkgafdo.config.load import build_config
from pkgafdo.errors import HostError
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


REAL: Final = {"base": "defconfig"}
"""A kernel that drives hardware, unlike the default."""


SUMMARY: Final = """\
Total functions: {}
Total count: 20000
Maximum function count: 9
Total number of blocks: 7
"""
"""What llvm-profdata prints of a profile."""


def bring(root: Path, runner: FakeRunner, *, functions: int = 200) -> dict[str, str]:
    """Return [profile] with a profile from elsewhere, of which llvm-profdata tells the totals."""
    machines.write(root, "x.afdo", "f:9:9\n")
    versions = runner.answers["llvm-profdata"]

    def profdata(command: Command) -> Result:
        if "show" in command.argv:
            return Result(returncode=0, stdout=SUMMARY.format(functions))
        return versions(command) if callable(versions) else versions

    runner.answers["llvm-profdata"] = profdata
    return {"file": str(root / "x.afdo")}


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


def page(
    root: Path,
    runner: FakeRunner | None = None,
    trial: Callable[[], str] | None = None,
    **sections,
) -> Diagnosis:
    config = build_config(sections, origin="the test")
    return diagnose_host(
        config,
        workdir=root / "work",
        filesystem=root,
        runner=runner or machine(),
        trial=trial,
    )


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
    found = page(root, kernel=REAL, record={"road": "auto"})
    assert line(found, "recording").text.startswith("on this machine (AMD LBR v2")
    runner = machine()
    brought = page(root, runner, profile=bring(root, runner))
    assert line(brought, "recording").text == f"none: the profile is {root}/x.afdo"


def test_an_llvm_of_different_versions_cannot_be_used(root: Path) -> None:
    found = page(root, machine(llvm_profgen="19.1.7"))
    assert not found.healthy
    finding = line(found, "LLVM")
    assert finding.text.count("llvm-profgen 19.1.7 is of another LLVM than clang 22.1.0") == 1
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
    assert page(root, runner, profile=bring(root, runner)).healthy


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


@pytest.mark.parametrize(
    ("kernel", "said"),
    [
        ({"base": "running"}, "configuration is nowhere to be found"),
        ({"base": "/nonexistent/.config"}, "/nonexistent/.config cannot be read"),
        ({"fragments": ["virtm"]}, "virtm cannot be read"),
    ],
)
def test_a_configuration_that_cannot_be_read_has_a_line_of_its_own(
    root: Path, kernel: dict[str, object], said: str
) -> None:
    found = page(root, kernel=kernel)
    finding = line(found, ".config")
    assert finding.level is Level.MISSING
    assert said in finding.text
    assert not [one for one in found.findings if one.name == "disk" and one.hint]


def test_a_brought_profile_that_cannot_be_used_is_an_obstacle(root: Path) -> None:
    found = page(root, profile={"file": "/nonexistent.afdo"})
    assert line(found, "profile").level is Level.MISSING
    assert "There is no profile /nonexistent.afdo" in line(found, "profile").text
    runner = machine()
    thin = line(page(root, runner, profile=bring(root, runner, functions=1)), "profile")
    assert "too thin" in thin.text


def test_little_memory_for_a_distributions_kernel_is_said(root: Path) -> None:
    machines.write(root, "proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 6000000 kB\n")
    assert line(page(root), "memory").level is Level.FINE
    assert line(page(root, kernel={"base": "running"}), "memory").level is Level.NOTE


def test_secure_boot_is_an_obstacle_only_for_a_run_that_boots_its_kernel(root: Path) -> None:
    machines.secure_boot(root, on=True)
    assert page(root).healthy
    for install in ({}, {"system": True}):
        found = page(root, kernel=REAL, record={"road": "host"}, install=install)
        assert line(found, "Secure Boot").level is Level.MISSING
    signed = {"system": True, "signed": True}
    assert page(root, kernel=REAL, record={"road": "host"}, install=signed).healthy


def test_the_road_over_the_host_needs_branch_records_and_perf(root: Path) -> None:
    text = (CPUINFO / "epyc-in-a-vm.txt").read_text(encoding="utf-8")
    machines.write(root, "proc/cpuinfo", text)
    found = page(root, machine(missing={"perf"}), record={"road": "host"})
    assert line(found, "branch records").level is Level.MISSING
    assert {one.level for one in found.findings if one.name.startswith("perf")} == {Level.MISSING}


def refuses() -> str:
    raise HostError("this machine cannot", details="x: perf said no", hint="Use the VM.")


def test_what_is_announced_is_tried_where_the_run_may_record_here(root: Path) -> None:
    found = page(root, trial=lambda: "mine:k", kernel=REAL, record={"road": "host"})
    assert "worked with mine:k" in line(found, "branch records").text
    found = page(root, trial=refuses, kernel=REAL, record={"road": "host"})
    finding = line(found, "branch records")
    assert finding.level is Level.MISSING
    assert "but this machine cannot (x: perf said no)" in finding.text
    found = page(root, trial=refuses, kernel=REAL, record={"road": "auto"})
    assert line(found, "branch records").level is Level.NOTE
    assert line(found, "recording").text == "in the VM (the probe on this machine failed)"
    assert "recording probes it" in line(page(root, trial=refuses), "branch records").text


def test_an_event_of_one_s_own_is_tried_where_nothing_is_announced(root: Path) -> None:
    text = (CPUINFO / "epyc-in-a-vm.txt").read_text(encoding="utf-8")
    machines.write(root, "proc/cpuinfo", text)
    record = {"road": "host", "event": "mine/branches/k"}
    found = page(root, trial=lambda: "mine/branches/k", kernel=REAL, record=record)
    assert found.healthy, [one for one in found.findings if one.level is Level.MISSING]


def test_an_lbr_that_a_hypervisor_passes_through_is_told_as_the_recorder_takes_it(root) -> None:
    text = "vendor_id : GenuineIntel\ncpu family : 6\nmodel : 143\nflags : hypervisor pdcm\n"
    machines.write(root, "proc/cpuinfo", text)
    machines.write(root, "sys/bus/event_source/devices/cpu/caps/branches", "32\n")
    finding = line(page(root, kernel=REAL, record={"road": "host"}), "branch records")
    assert finding.text.startswith("Intel LBR (this processor), as announced")


def test_brs_that_the_running_kernel_lacks_is_told_and_not_tried(root: Path) -> None:
    machines.write(root, "proc/cpuinfo", "vendor_id : AuthenticAMD\nflags : brs\n")
    found = page(root, trial=refuses, kernel=REAL, record={"road": "host"})
    assert found.healthy
    assert "CONFIG_PERF_EVENTS_AMD_BRS" in line(found, "branch records").text
    machines.write(root, "sys/bus/event_source/devices/cpu/caps/branches", "16\n")
    assert not page(root, trial=refuses, kernel=REAL, record={"road": "host"}).healthy


def test_the_llvm_of_the_configuration_is_the_one_on_the_page(root: Path) -> None:
    runner = machine()
    places = {f"/opt/llvm/bin/{name}" for name in LLVM}
    runner.which = lambda program: (  # type: ignore[method-assign]
        program
        if program in places
        else None
        if program in LLVM or program in runner.missing
        else f"/usr/bin/{program}"
    )
    found = page(root, runner, toolchain={"llvm": "/opt/llvm/bin/"})
    assert found.healthy, [one for one in found.findings if one.level is Level.MISSING]
    assert line(found, "clang").text == "/opt/llvm/bin/clang"


def test_an_llvm_without_profiles_matters_only_where_one_is_made(root: Path) -> None:
    lacking = {"llvm-profdata"}
    assert "lacks llvm-profdata" in line(page(root, machine(lacking)), "abilities").text
    runner = machine({"llvm-profgen"})
    assert "lacks llvm-profgen" in line(page(root, runner), "abilities").text
    assert page(root, runner, profile=bring(root, runner)).healthy


def test_workloads_of_this_machine_are_asked_for(root: Path) -> None:
    record = {"road": "host", "workloads": ["sysbench"]}
    found = page(root, machine({"sysbench"}), kernel=REAL, record=record)
    finding = line(found, "workloads")
    assert finding.level is Level.MISSING
    assert "sysbench" in finding.text
    assert page(root, machine({"sysbench"}), record={"workloads": ["sysbench"]}).healthy


def test_the_perf_of_the_configuration_is_looked_at(root: Path) -> None:
    record = {"road": "host", "perf": "/opt/perf"}
    finding = line(page(root, machine({"/opt/perf"}), kernel=REAL, record=record), "perf record")
    assert (finding.level, finding.text) == (Level.MISSING, "/opt/perf is not installed")


def test_how_root_is_gained_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert line(page(root), "root").text == "pkgafdo itself runs as root"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert line(page(root), "root").text == "by /usr/bin/sudo"
    none = {"sudo", "run0", "doas"}
    assert line(page(root, machine(none)), "root").level is Level.NOTE
    found = page(root, machine(none), kernel=REAL, record={"road": "host"})
    assert line(found, "root").level is Level.MISSING
    for name in ("perf_event_paranoid", "kptr_restrict"):
        machines.write(root, f"proc/sys/kernel/{name}", "0\n")
    found = page(root, machine(none), kernel=REAL, record={"road": "host"})
    assert line(found, "root").level is Level.NOTE
    found = page(root, machine(none), kernel=REAL, install={"system": True})
    assert line(found, "root").level is Level.MISSING


def test_a_run_that_would_be_refused_is_ill(root: Path) -> None:
    found = page(root, install={"system": True})
    assert "kernel.base=small" in line(found, "kernel").text
    (root / "var/lib/pacman/local/bash-5-1/desc").unlink()
    found = page(root, kernel=REAL, install={"system": True})
    assert line(found, "installing").level is Level.MISSING
    machines.write(root, "proc/self/mountinfo", f"40 24 0:33 / {root} rw - tmpfs tmpfs rw\n")
    found = page(root, kernel=REAL, record={"road": "host"})
    assert "lies in memory" in line(found, "work folder").text


def test_no_automatic_road_leads_a_kernel_for_the_vm_onto_the_machine(root: Path) -> None:
    found = page(root, trial=refuses, record={"road": "auto"})
    assert found.healthy
    assert "kernel.base=small" in line(found, "recording").text


def test_every_llvm_that_does_not_belong_together_is_named_with_its_versions(root: Path) -> None:
    found = page(root, machine(llvm_profgen="19.1.7", llvm_profdata="19.1.7"))
    finding = line(found, "LLVM")
    assert "LLVM=1: llvm-profgen 19.1.7 is of another LLVM than clang 22.1.0" in finding.text
    assert "LLVM=1: llvm-profdata 19.1.7" in finding.text
    assert "pacman -Syu" in finding.hint


def test_vng_is_found_beside_our_python_as_a_recording_finds_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder = root / "venv/bin"
    machines.write(root, "venv/bin/virtme-run")
    runner = machine({"vng", "virtme-run"})
    monkeypatch.setattr("sys.executable", str(root / "bin/python"))
    assert line(page(root, runner), "vng").level is Level.NOTE
    monkeypatch.setattr("sys.executable", str(bin_folder / "python"))
    assert line(page(root, runner), "vng").text == str(bin_folder / "virtme-run")


def test_a_pyalpm_that_does_not_load_is_told_with_the_reason(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.write(root, "broken/pyalpm.py", "raise SystemError('built for another Python')\n")
    monkeypatch.syspath_prepend(str(root / "broken"))
    monkeypatch.delitem(sys.modules, "pyalpm", raising=False)
    finding = line(page(root), "pyalpm")
    assert finding.text == "not usable (built for another Python): pacman is asked instead"
    machines.write(root, "whole/pyalpm.py")
    monkeypatch.syspath_prepend(str(root / "whole"))
    monkeypatch.delitem(sys.modules, "pyalpm", raising=False)
    assert line(page(root), "pyalpm").text == "usable"
    monkeypatch.delitem(sys.modules, "pyalpm", raising=False)
