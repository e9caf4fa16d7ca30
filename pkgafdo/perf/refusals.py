"""Why perf record did not record, read out of what it said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Kinds of refusal that ask for different next moves."""

    NO_LIBPFM = "perf was built without libpfm"
    UNKNOWN_EVENT = "perf does not know the event"
    NO_STACKS = "the processor or the hypervisor gives no branch stacks"
    NO_EVENT = "the processor or the hypervisor does not have the event"
    NO_RIGHT = "perf is not allowed to record the kernel"
    BUSY = "another profiler holds the counters"
    NO_PERF = "there is no perf for the running kernel"
    TOO_OLD = "perf is too old"
    OTHER = "perf failed"


_SIGNS: Final = (
    (Refusal.NO_PERF, ("perf not found for kernel", "linux-tools-")),
    (Refusal.NO_LIBPFM, ("unknown option `pfm-events", "libpfm4 support")),
    (Refusal.TOO_OLD, ("unknown option `",)),
    (Refusal.NO_STACKS, ("support branch stack sampling", "branch stack sampling is not supported")),
    (Refusal.NO_RIGHT, (
        "No permission to enable", "observability operations is limited", "You may not have permission",
        "Operation not permitted", "Permission denied",
    )),
    (Refusal.BUSY, ("counters are busy", "Device or resource busy", "event_not_available")),
    (Refusal.UNKNOWN_EVENT, (
        "event syntax error", "unable to find event", "failed to parse event", "Bad event name",
    )),
    (Refusal.NO_EVENT, (
        "event is not supported", "support sampling/overflow-interrupts",
        "No such file or directory", "Invalid argument", "No such device", "returned with 22",
        "Operation not supported",
    )),
)  # fmt: skip
"""In this order: Linux, tools/perf/util/evsel.c (evsel__open_strerror), util/parse-events.c, util/pfm.c,
and the wrapper that Debian and Ubuntu put in perf's place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A refusal and the line that says so."""

    why: Refusal
    line: str

    def __str__(self) -> str:
        return f"{self.why}: {self.line}" if self.line else str(self.why)


def parse_refusal(stderr: str) -> Refused:
    """Return why perf refused, from everything that it wrote; pure."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    for why, signs in _SIGNS:
        for line in lines:
            if any(sign in line for sign in signs):
                return Refused(why=why, line=line)
    speaking = [line for line in lines if not line.startswith(("[ perf record", "Error:"))]
    return Refused(why=Refusal.OTHER, line=speaking[0] if speaking else "")


def next_move(why: Refusal) -> str:
    """Return what a person can do about a refusal."""
    match why:
        case Refusal.NO_LIBPFM:
            return "Install a perf with libpfm (CachyOS has one), or leave the event to pkgafdo."
        case Refusal.NO_PERF | Refusal.TOO_OLD:
            return "Install perf for this kernel (Arch: perf; Debian: linux-perf)."
        case Refusal.NO_RIGHT:
            return (
                "Recording the kernel needs root: install sudo, or run as root. In a container, work "
                "on the host; kernel lockdown (Secure Boot) can forbid it, too."
            )
        case Refusal.BUSY:
            return "End the other profiler (or the NMI watchdog: kernel.nmi_watchdog=0)."
        case Refusal.UNKNOWN_EVENT:
            return "Install a newer perf (Arch: perf; Debian: linux-perf), or set record.event."
        case _:
            return 'This CPU or VM cannot; use the VM with the virtual LBR (record.road = "vm").'
