"""Which event samples taken branches, by the facility that records them.

A new processor is one row here. Where each row is from:

* Intel, by name: Linux, Documentation/dev-tools/autofdo.rst. As libpfm's: the AutoFDO guide of CachyOS.
  Raw: Linux, tools/perf/pmu-events/arch/x86/{haswell,skylake,sapphirerapids,graniterapids}/pipeline.json
  (event 0xc4, umask 0x20 since Sandy Bridge); for two kinds of cores alderlake/ and arrowlake/ (the small
  cores have umask 0xc0).
* AMD, as libpfm's: autofdo.rst. Raw: event 0xc4 is the one that BRS and LBR v2 are made for
  (arch/x86/events/perf_event.h, AMD_FAM19H_BRS_EVENT).
* Arm SPE and ETM: autofdo.rst. They trace, and are no branch stacks before `perf inject`. Arm BRBE:
  drivers/perf/arm_brbe.c (Linux 6.17); BR_RETIRED is the architecture's event 0x21.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ConfigError, HostError

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_PERIOD: Final = 500_009
"""A prime, as the kernel's how-to and the guide have it."""


class Carrier(StrEnum):
    """The option of perf record that takes an event."""

    EVENT = "-e"
    LIBPFM = "--pfm-events"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One way to sample taken branches.

    facility is what the processor has (the words of `pkgafdo doctor`); names are given to perf with
    the carrier, all at once. raw events need neither perf's tables nor libpfm. traces are not branch
    stacks: they must go through `perf inject` before they can be counted. options come in place of `-b`.
    """

    facility: str
    carrier: Carrier
    names: tuple[str, ...]
    hybrid: bool = False
    raw: bool = False
    traces: bool = False
    options: tuple[str, ...] = ("-b",)

    @property
    def name(self) -> str:
        """The event as a person writes it down."""
        return " + ".join(self.names)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The part of perf record's command line that chooses this event."""
        return (*(word for name in self.names for word in (self.carrier, name)), *self.options)


_NEAR_TAKEN: Final = ("BR_INST_RETIRED.NEAR_TAKEN:k",)
_INTEL: Final = ("Intel LBR", "Intel architectural LBR")
_AMD: Final = ("AMD LBR v2", "AMD BRS")

EVENTS: Final = (
    *(Event(facility=one, carrier=Carrier.EVENT, names=_NEAR_TAKEN) for one in _INTEL),
    *(Event(facility=one, carrier=Carrier.LIBPFM, names=_NEAR_TAKEN) for one in _INTEL),
    *(
        Event(facility=one, carrier=Carrier.EVENT, names=("cpu/event=0xc4,umask=0x20/k",), raw=True)
        for one in _INTEL
    ),
    *(
        Event(
            facility=one,
            carrier=Carrier.EVENT,
            names=("cpu_core/event=0xc4,umask=0x20/k", "cpu_atom/event=0xc4,umask=0xc0/k"),
            hybrid=True,
            raw=True,
        )
        for one in _INTEL
    ),
    *(
        Event(
            facility=one,
            carrier=Carrier.LIBPFM,
            names=("RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k",),
        )
        for one in _AMD
    ),
    *(
        Event(facility=one, carrier=Carrier.EVENT, names=("cpu/event=0xc4/k",), raw=True)
        for one in _AMD
    ),
    Event(facility="Arm BRBE", carrier=Carrier.EVENT, names=("br_retired:k",)),
    Event(
        facility="Arm SPE",
        carrier=Carrier.EVENT,
        names=("arm_spe_0/branch_filter=1,load_filter=0,store_filter=0/",),
        traces=True,
        options=("--no-switch-events",),
    ),
    Event(
        facility="Arm ETM",
        carrier=Carrier.EVENT,
        names=("cs_etm/@tmc_etr0/k",),
        traces=True,
        options=(),
    ),
)
"""In the order to try them."""

_BRANCHES: Final = re.compile(
    r"virtual-lbr|\bbr_inst|\bbr_retired|near_taken|taken_branch|brn_tkn"
    r"|\bbranch(es|-instructions|-brs)\b|\bevent=0xc4\b|^r(20|c0)?c4\b",
    re.IGNORECASE,
)
"""Names of events that count branches, taken or all: those above, perf's own, and their raw numbers.

branch-brs is what AMD's driver calls the event of BRS (arch/x86/events/amd/core.c).
"""


def events_for(
    facilities: Iterable[str], *, hybrid: bool = False, libpfm: bool = True
) -> tuple[Event, ...]:
    """Return the events to try on a machine, best first.

    libpfm says whether perf was built with it: where it was not, such events would only be refused.
    """
    return tuple(
        event
        for facility in facilities
        for event in EVENTS
        if event.facility == facility
        and (event.hybrid == hybrid or not event.raw)
        and (libpfm or event.carrier is not Carrier.LIBPFM)
    )


_NAMED: Final = re.compile(r"(?P<event>[^/,{}]+:|[^/,{}]+/[^/]*/)(?P<modifiers>[A-Za-z]*)")
"""An event with modifiers: NAME:MODIFIERS, or PMU/TERMS/MODIFIERS."""
_TERMS: Final = re.compile(r"/[^/]*/")
_MODIFIERS: Final = frozenset("ukhvpPGHSDIWebRX")
"""From Linux, tools/perf/util/parse-events.l. More letters are the name of an event: kmem:kmalloc."""

_ON: Final = frozenset("1yYtT")
"""Values that turn a modifier of libpfm's on (lib/pfmlib_common.c)."""


def counts_branches(name: str) -> bool:
    """Say whether an event, or each of several joined by “+”, counts branches: by its name alone."""
    return all(_BRANCHES.search(one) for one in name.split(" + "))


def parse_event(text: str) -> Event:
    """Return the event that a user names: as for -e, or `--pfm-events NAME`.

    Raises ConfigError for what is neither, or would record user space.
    """
    words = text.split()
    carrier = Carrier.EVENT
    if len(words) == 2 and words[0] in {"-e", "--event", "--pfm-events"}:
        carrier = Carrier.LIBPFM if words[0] == "--pfm-events" else Carrier.EVENT
        words = words[1:]
    if len(words) != 1 or words[0].startswith("-") or _lists_several(words[0]):
        raise ConfigError(
            f"“{text}” is no event",
            hint="Give one, as for perf record -e, or as “--pfm-events NAME”.",
        )
    name = words[0]
    wanted = _of_the_kernel(name, carrier)
    if name != wanted:
        raise ConfigError(
            f"the event {name} is not of the kernel alone",
            hint="A kernel's profile has no use for user space: "
            f"{'--pfm-events ' if carrier is Carrier.LIBPFM else ''}{wanted}",
        )
    return Event(facility="as configured", carrier=carrier, names=(name,), raw=True)


def _lists_several(name: str) -> bool:
    return not set(",{}").isdisjoint(_TERMS.sub("", name))


def _of_the_kernel(name: str, carrier: Carrier) -> str:
    """Return the event with modifiers that keep user space out; as it is where they do."""
    if carrier is Carrier.LIBPFM:  # each modifier has a colon of its own
        event, *parts = name.split(":")
        kept = [part for part in parts if _level(part) not in {("u", True), ("k", False)}]
        told = any(_level(part) == ("k", True) for part in kept)
        return ":".join((event, *kept, *(() if told else ("k",))))
    named = _NAMED.fullmatch(name)
    modifiers = named["modifiers"] if named else ""
    if named is None or not _MODIFIERS.issuperset(modifiers):
        head, slash, _ = name.rpartition("/")
        return f"{name}:k" if not slash else f"{head if '/' in head else name}/k"
    rest = modifiers.replace("u", "")
    return named["event"] + (rest if "k" in rest else f"k{rest}")


def _level(part: str) -> tuple[str, bool]:
    """Return a modifier of libpfm's, and whether it is on: k, k=1, k=0."""
    name, valued, value = part.partition("=")
    return name, not valued or value in _ON


def require_stacks(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events whose recordings are branch stacks.

    Raises HostError when there are only traces, with the commands that make stacks of them, and when
    there is nothing at all.
    """
    listed = tuple(events)
    found = tuple(event for event in listed if not event.traces)
    if found:
        return found
    if not listed:
        raise HostError(
            "this processor, or this virtual machine, cannot record branches",
            details="Needed is Intel's LBR, AMD's BRS (Zen 3 EPYC) or LBR v2 (Zen 4 and later).",
            hint='Use the VM with the virtual LBR (record.road = "vm"): it needs none of them.',
        )
    trace = listed[0]
    record = f"perf record {' '.join(trace.arguments)} -a -N -o trace.data -- COMMAND"
    raise HostError(
        f"{trace.facility} records traces, which are no branch stacks yet",
        details=f"{record}\nperf inject -i trace.data -o perf.data --itrace=i500009il",
        hint="Run these as root and give the second file to `pkgafdo profile convert`, or use the VM "
        '(record.road = "vm").',
    )
