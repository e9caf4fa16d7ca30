"""What the processor is, and which facility records its branches, as /proc/cpuinfo tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class BranchRecords(StrEnum):
    """The hardware that perf's branch stacks come from."""

    INTEL_LBR = "Intel LBR"
    INTEL_ARCH_LBR = "Intel architectural LBR"
    AMD_LBR_V2 = "AMD LBR v2"
    AMD_BRS = "AMD BRS"
    ARM_BRBE = "Arm BRBE"
    ARM_SPE = "Arm SPE"
    ARM_ETM = "Arm ETM"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cpu:
    """A processor: vendor and model name as written, family and model number, its flags."""

    vendor: str
    model_name: str
    family: int
    model: int
    flags: frozenset[str]

    @property
    def virtual(self) -> bool:
        """Whether a hypervisor shows this processor to us."""
        return "hypervisor" in self.flags

    @property
    def may_be_passed_through(self) -> bool:
        """Whether a hypervisor may show us the host's LBR: Intel's, if it shows its capabilities too.

        QEMU does so with `-cpu host,pmu=on,lbr-fmt=…`; AMD's is never shown.
        """
        return self.virtual and self.vendor == "GenuineIntel" and "pdcm" in self.flags

    @property
    def branch_records(self) -> BranchRecords:
        """What is announced; only a recording proves that it works."""
        for flag, facility in _FLAGS:
            if flag in self.flags:
                return facility
        intel = self.vendor == "GenuineIntel" and self.family == _INTEL_FAMILY
        if intel and self.model >= _NEHALEM and not self.virtual and "pdcm" in self.flags:
            return BranchRecords.INTEL_LBR
        return BranchRecords.NONE


_FLAGS: Final = (
    ("arch_lbr", BranchRecords.INTEL_ARCH_LBR),
    ("amd_lbr_v2", BranchRecords.AMD_LBR_V2),
    ("brs", BranchRecords.AMD_BRS),
)
"""From the kernel's arch/x86/include/asm/cpufeatures.h, best first."""
_INTEL_FAMILY: Final = 6
_NEHALEM: Final = 0x1A
"""Older LBRs have no filter; the legacy LBR itself has no flag (arch/x86/events/intel/lbr.c)."""


def parse_cpuinfo(text: str) -> Cpu:
    """Parse /proc/cpuinfo: its first processor; what another architecture lacks is empty."""
    fields = {}
    for line in text.partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    return Cpu(
        vendor=fields.get("vendor_id", fields.get("CPU implementer", "")),
        model_name=fields.get("model name", ""),
        family=_number(fields.get("cpu family", "")),
        model=_number(fields.get("model", "")),
        flags=frozenset((fields.get("flags") or fields.get("Features", "")).split()),
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
