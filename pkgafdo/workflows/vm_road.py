"""What records branches in the VM: the virtual LBR, or the processor's own where a guest gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.elf import text_bounds
from pkgafdo.errors import ArtifactError
from pkgafdo.host.cpu import BranchRecords
from pkgafdo.host.kvm import KvmState, probe_kvm
from pkgafdo.perf.events import EVENTS, parse_event
from pkgafdo.perf.live import read_live
from pkgafdo.perf.record import record_argv
from pkgafdo.vm.errand import STREAM
from pkgafdo.vm.guest_lbr import probe_lbr_format

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.config.model import Config
    from pkgafdo.host.cpu import Cpu
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.host.kvm import Kvm
    from pkgafdo.perf.events import Event
    from pkgafdo.runner.base import Runner

_RAW: Final = next(event for event in EVENTS if event.raw and not event.hybrid)
"""Needs no perf that knows the processor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VmRoad:
    """What records in the guest and why; lbr_format 0 means the virtual LBR, else perf with this event."""

    why: str
    lbr_format: int = 0
    event: Event = _RAW

    def recorder(self, config: Config) -> tuple[str, ...]:
        """Return the command that runs in the guest in front of the user's, as root."""
        if not self.lbr_format:
            return ()
        return (*record_argv(config.record.perf, self.event, config.record.period), "--")


def why_not_cpu(cpu: Cpu) -> str:
    """Return why a processor's LBR reaches no guest, empty when it may; pure."""
    if cpu.vendor != "GenuineIntel":
        return (
            f"{cpu.model_name or 'this processor'} is not Intel's, and KVM passes on no other LBR"
        )
    if cpu.branch_records is not BranchRecords.INTEL_LBR and not cpu.may_be_passed_through:
        return f"{cpu.model_name} has no LBR that KVM passes on ({cpu.branch_records})"
    return ""


def why_not_kvm(kvm: Kvm) -> str:
    """Return why KVM is of no use here, empty when it is; pure."""
    return "" if kvm.state is KvmState.WORKS else f"KVM runs no guest: {kvm.evidence or kvm.state}"


def choose_road(runner: Runner, host: HostFacts, config: Config) -> VmRoad:
    """Find out what can record in a guest here."""
    if config.vm.lbr == "virtual":
        return VmRoad(why="vm.lbr says so")
    qemu = config.vm.qemu
    why = why_not_cpu(host.cpu) or why_not_kvm(probe_kvm(runner, qemu=qemu))
    if why:
        return VmRoad(why=why)
    offered = probe_lbr_format(runner, qemu)
    if not offered:
        return VmRoad(why="KVM offers guests no LBR here")
    event = parse_event(config.record.event) if config.record.event else _RAW
    return VmRoad(why="KVM passes it on", lbr_format=offered, event=event)


@dataclass(slots=True)
class _Silent:
    """Nobody who wants to know of a recording in progress."""

    def begin(self) -> None:
        """Learn that perf has begun to record."""

    def take(self, piece: memoryview) -> None:
        """Take a piece that has come."""

    def counted(self, samples: int) -> None:
        """Learn how many samples have been counted."""


def read_stream(share: Path, vmlinux: Path) -> tuple[BranchTable, str]:
    """Return the counts of what perf wrote in the guest, and what is wrong with its end.

    Raises ArtifactError when it recorded nothing.
    """
    with (share / STREAM).open("rb") as stream:
        counted = read_live(stream, _Silent(), text=text_bounds(vmlinux))
    if counted is None:
        raise ArtifactError(
            "perf recorded nothing in the guest",
            details="\n".join(
                (share / "output").read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
            ),
            hint="Take the virtual LBR: --set vm.lbr=virtual",
        )
    return counted.table, counted.damage
