"""Which facilities for branch records are worth trying, as the processor and sysfs tell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.host.cpu import BranchRecords

if TYPE_CHECKING:
    from pkgafdo.host.cpu import Cpu

_DEVICES: Final = "sys/bus/event_source/devices"
_CPU_DEVICES: Final = ("cpu", "cpu_core", "armv8_*", "armv9_*")
_AUX_DEVICES: Final = (("arm_spe_", BranchRecords.ARM_SPE), ("cs_etm", BranchRecords.ARM_ETM))
"""drivers/perf/arm_spe_pmu.c, drivers/hwtracing/coresight/coresight-etm-perf.c."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pmu:
    """What sysfs shows of the performance monitoring: its devices, and how deep branch stacks are.

    depth is 0 where the kernel does not say (Linux before 5.10, or no branch records).
    """

    devices: frozenset[str]
    depth: int

    @property
    def hybrid(self) -> bool:
        """Whether there are two kinds of cores, each with its own events."""
        return "cpu_core" in self.devices and "cpu_atom" in self.devices


def read_pmu(filesystem: Path = Path("/")) -> Pmu:
    """Read what sysfs shows; empty where it is not mounted."""
    folder = filesystem / _DEVICES
    devices = (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
    depths = [
        _number(path)
        for name in _CPU_DEVICES
        for path in folder.glob(f"{name}/caps/branches")  # Intel, AMD and Arm alike
    ]
    return Pmu(devices=frozenset(devices), depth=max(depths, default=0))


def _number(path: Path) -> int:
    text = path.read_text(encoding="ascii", errors="replace").strip()
    return int(text) if text.isdecimal() else 0


def facilities(cpu: Cpu, pmu: Pmu) -> tuple[BranchRecords, ...]:
    """Return what is worth a probe, best first; empty when nothing can record branches here."""
    if cpu.branch_records is not BranchRecords.NONE:
        return (cpu.branch_records,)
    if cpu.may_be_passed_through and pmu.depth:
        return (BranchRecords.INTEL_LBR,)
    found = []
    if pmu.depth and not cpu.vendor.isalpha():  # Arm's implementer is a number
        found.append(BranchRecords.ARM_BRBE)
    found += [
        facility
        for prefix, facility in _AUX_DEVICES
        if any(name.startswith(prefix) for name in pmu.devices)
    ]
    return tuple(found)
