"""Which facility records branches, from texts of /proc/cpuinfo."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.host.cpu import BranchRecords, parse_cpuinfo

SAMPLES = Path(__file__).parents[2] / "data" / "cpuinfo"


@pytest.mark.parametrize(
    ("sample", "facility"),
    [
        ("skylake", BranchRecords.INTEL_LBR),
        ("alder-lake", BranchRecords.INTEL_ARCH_LBR),
        ("zen3-epyc", BranchRecords.AMD_BRS),
        ("zen3-ryzen", BranchRecords.NONE),
        ("zen4", BranchRecords.AMD_LBR_V2),
        ("skylake-in-a-vm", BranchRecords.NONE),
        ("epyc-in-a-vm", BranchRecords.NONE),
    ],
)
def test_the_branch_records_of_a_processor(sample: str, facility: BranchRecords) -> None:
    text = (SAMPLES / f"{sample}.txt").read_text(encoding="utf-8")
    assert parse_cpuinfo(text).branch_records is facility


def test_the_first_processor_is_described() -> None:
    cpu = parse_cpuinfo((SAMPLES / "zen4.txt").read_text(encoding="utf-8"))
    assert (cpu.vendor, cpu.family, cpu.model) == ("AuthenticAMD", 25, 97)
    assert cpu.model_name == "AMD Ryzen 9 7950X 16-Core Processor"
    assert not cpu.virtual


def test_a_hypervisor_is_noticed() -> None:
    cpu = parse_cpuinfo((SAMPLES / "epyc-in-a-vm.txt").read_text(encoding="utf-8"))
    assert cpu.virtual


@pytest.mark.parametrize("text", ["", "processor\t: 0\nBogoMIPS\t: 50\nFeatures\t: fp asimd\n"])
def test_another_architecture_has_no_x86_facility(text: str) -> None:
    assert parse_cpuinfo(text).branch_records is BranchRecords.NONE
