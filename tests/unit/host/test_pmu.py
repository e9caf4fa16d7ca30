"""Which facilities are worth a probe, from texts of /proc/cpuinfo and a sysfs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.host.cpu import BranchRecords, parse_cpuinfo
from pkgafdo.host.pmu import Pmu, facilities, read_pmu

SAMPLES = Path(__file__).parents[2] / "data" / "cpuinfo"
NOTHING = Pmu(devices=frozenset(), depth=0)


def sysfs(folder: Path, *devices: str, depth: dict[str, str] | None = None) -> Path:
    for device in devices:
        (folder / "sys/bus/event_source/devices" / device).mkdir(parents=True)
    for device, text in (depth or {}).items():
        caps = folder / "sys/bus/event_source/devices" / device / "caps"
        caps.mkdir(parents=True)
        (caps / "branches").write_text(text, encoding="ascii")
    return folder


@pytest.mark.parametrize(
    ("sample", "worth_a_probe"),
    [
        ("haswell", [BranchRecords.INTEL_LBR]),
        ("skylake", [BranchRecords.INTEL_LBR]),
        ("alder-lake", [BranchRecords.INTEL_ARCH_LBR]),
        ("sapphire-rapids", [BranchRecords.INTEL_ARCH_LBR]),
        ("zen3-epyc", [BranchRecords.AMD_BRS]),
        ("zen3-ryzen", []),
        ("zen4", [BranchRecords.AMD_LBR_V2]),
        ("zen5", [BranchRecords.AMD_LBR_V2]),
        ("skylake-in-a-vm", []),
        ("epyc-in-a-vm", []),
    ],
)
def test_what_is_worth_a_probe(sample: str, worth_a_probe: list[BranchRecords]) -> None:
    cpu = parse_cpuinfo((SAMPLES / f"{sample}.txt").read_text(encoding="utf-8"))
    assert list(facilities(cpu, NOTHING)) == worth_a_probe


def test_an_lbr_that_a_hypervisor_shows_is_worth_a_probe() -> None:
    cpu = parse_cpuinfo((SAMPLES / "skylake-in-a-vm.txt").read_text(encoding="utf-8"))
    shown = Pmu(devices=frozenset({"cpu"}), depth=32)
    assert facilities(cpu, shown) == (BranchRecords.INTEL_LBR,)


def test_a_machine_without_sysfs_has_no_devices(tmp_path: Path) -> None:
    assert read_pmu(tmp_path) == NOTHING


def test_two_kinds_of_cores_are_noticed(tmp_path: Path) -> None:
    root = sysfs(tmp_path, "cpu_atom", "msr", depth={"cpu_core": "32\n"})
    pmu = read_pmu(root)
    assert pmu.hybrid
    assert pmu.depth == 32


def test_one_kind_of_cores_is_no_hybrid(tmp_path: Path) -> None:
    pmu = read_pmu(sysfs(tmp_path, depth={"cpu": "16\n"}))
    assert not pmu.hybrid
    assert pmu.depth == 16


ARM = parse_cpuinfo("processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n")


def test_arm_is_known_by_its_devices(tmp_path: Path) -> None:
    root = sysfs(tmp_path, "arm_spe_0", "cs_etm", "armv8_pmuv3_0")
    assert list(facilities(ARM, read_pmu(root))) == [BranchRecords.ARM_SPE, BranchRecords.ARM_ETM]


def test_arm_s_branch_buffer_comes_first(tmp_path: Path) -> None:
    root = sysfs(tmp_path, "arm_spe_0", depth={"armv8_pmuv3_0": "32\n"})
    assert list(facilities(ARM, read_pmu(root))) == [BranchRecords.ARM_BRBE, BranchRecords.ARM_SPE]


def test_arm_without_any_has_nothing(tmp_path: Path) -> None:
    root = sysfs(tmp_path, "armv8_pmuv3_0", depth={"armv9_pmuv3_0": "0\n"})
    assert facilities(ARM, read_pmu(root)) == ()
