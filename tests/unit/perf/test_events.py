"""The table of events, and reading a user's own."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ConfigError, HostError
from pkgafdo.host.cpu import BranchRecords
from pkgafdo.perf.events import (
    EVENTS,
    Carrier,
    counts_branches,
    events_for,
    parse_event,
    require_stacks,
)


def arguments(*facilities: str, hybrid: bool = False, libpfm: bool = True) -> list[str]:
    found = events_for(facilities, hybrid=hybrid, libpfm=libpfm)
    return [" ".join(event.arguments) for event in found]


def test_all_events_of_branch_stacks_count_branches() -> None:
    names = [event.name for event in EVENTS if not event.traces]
    also = [
        "virtual-lbr",
        "branches:k",
        "cpu/branch-instructions/k",
        "branch-brs:k",
        "r20c4",
        "rc4",
    ]
    assert all(counts_branches(name) for name in [*names, *also])


@pytest.mark.parametrize(
    "name", ["", "unknown", "cycles:k", "branch-misses", "branches:k + cycles:k", "r20c5", "rc41"]
)
def test_other_events_do_not_count_branches(name) -> None:
    assert not counts_branches(name)


@pytest.mark.parametrize("facility", ["Intel LBR", "Intel architectural LBR"])
def test_intel_is_tried_by_name_through_libpfm_and_raw(facility: str) -> None:
    assert arguments(facility) == [
        "-e BR_INST_RETIRED.NEAR_TAKEN:k -b",
        "--pfm-events BR_INST_RETIRED.NEAR_TAKEN:k -b",
        "-e cpu/event=0xc4,umask=0x20/k -b",
    ]


def test_two_kinds_of_cores_have_a_raw_event_each() -> None:
    assert arguments("Intel architectural LBR", hybrid=True)[-1] == (
        "-e cpu_core/event=0xc4,umask=0x20/k -e cpu_atom/event=0xc4,umask=0xc0/k -b"
    )


@pytest.mark.parametrize("facility", ["AMD BRS", "AMD LBR v2"])
def test_amd_has_a_raw_event_for_a_perf_without_libpfm(facility: str) -> None:
    assert arguments(facility) == [
        "--pfm-events RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k -b",
        "-e cpu/event=0xc4/k -b",
    ]
    assert arguments(facility, libpfm=False) == ["-e cpu/event=0xc4/k -b"]


def test_every_facility_that_a_machine_can_have_has_an_event() -> None:
    assert {event.facility for event in EVENTS} == set(BranchRecords) - {BranchRecords.NONE}


def test_every_event_samples_the_kernel_alone() -> None:
    for event in EVENTS:
        if event.facility != "Arm SPE":  # it filters by what is traced, not by level
            assert all(name.endswith(("k", ":k")) for name in event.names)


def test_what_traces_is_no_branch_stack_and_the_commands_are_told() -> None:
    with pytest.raises(HostError, match="traces") as refusal:
        require_stacks(events_for(["Arm ETM"]))
    assert "perf record -e cs_etm/@tmc_etr0/k -a" in refusal.value.details
    assert "perf inject" in refusal.value.details


def test_stacks_are_taken_where_there_are_traces_too() -> None:
    [event] = require_stacks(events_for(["Arm BRBE", "Arm SPE"]))
    assert event.facility == "Arm BRBE"


def test_a_machine_without_any_is_sent_to_the_vm() -> None:
    with pytest.raises(HostError, match="cannot record branches") as refusal:
        require_stacks([])
    assert refusal.value.exit_code == 3
    assert 'record.road = "vm"' in refusal.value.hint


@pytest.mark.parametrize(
    ("text", "carrier", "name"),
    [
        ("cycles:k", Carrier.EVENT, "cycles:k"),
        ("-e cpu/event=0xc4/k", Carrier.EVENT, "cpu/event=0xc4/k"),
        ("cpu/event=0xc4,umask=0x20/kpp", Carrier.EVENT, "cpu/event=0xc4,umask=0x20/kpp"),
        ("--pfm-events EX:k", Carrier.LIBPFM, "EX:k"),
        ("--pfm-events EX:UMASK:k:c=1", Carrier.LIBPFM, "EX:UMASK:k:c=1"),
        ("kmem:kmalloc:k", Carrier.EVENT, "kmem:kmalloc:k"),
        ("--pfm-events EX:k=1", Carrier.LIBPFM, "EX:k=1"),
        ("--pfm-events EX:u=0:k=y", Carrier.LIBPFM, "EX:u=0:k=y"),
        ("cycles:kH", Carrier.EVENT, "cycles:kH"),
        ("cycles:kRX", Carrier.EVENT, "cycles:kRX"),
    ],
)
def test_a_user_s_own_event(text: str, carrier: Carrier, name: str) -> None:
    event = parse_event(text)
    assert event.arguments == (carrier, name, "-b")


SEVERAL = [
    "cycles,instructions:k",
    "{cycles,instructions}:k",
    "cpu/event=1/k,cycles",
    "a,cpu/b,c/k",
]


@pytest.mark.parametrize("text", ["", "a b", "--pfm-events", "-e", "--filter x:k", "-b", *SEVERAL])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no event"):
        parse_event(text)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("cycles", "cycles:k"),
        ("cycles:", "cycles:k"),
        ("cycles:u", "cycles:k"),
        ("cycles:uk", "cycles:k"),
        ("cycles:upp", "cycles:kpp"),
        ("cpu/event=0xc4/", "cpu/event=0xc4/k"),
        ("cpu/event=0xc4/:k", "cpu/event=0xc4/k"),
        ("cpu/event=0xc4", "cpu/event=0xc4/k"),
        ("cpu/k/u", "cpu/k/k"),
        # A letter of the name is no modifier.
        ("br_inst_retired.near_taken", "br_inst_retired.near_taken:k"),
        ("BR_INST_RETIRED.NEAR_TAKEN", "BR_INST_RETIRED.NEAR_TAKEN:k"),
        ("ex_ret_brn_tkn", "ex_ret_brn_tkn:k"),
        ("task-clock", "task-clock:k"),
        ("kmem:kmalloc", "kmem:kmalloc:k"),
        ("--pfm-events ex_ret_brn_tkn", "--pfm-events ex_ret_brn_tkn:k"),
        ("--pfm-events EX:u:k", "--pfm-events EX:k"),
        ("--pfm-events EX:u=1:k=1", "--pfm-events EX:k=1"),
        ("--pfm-events EX:k=0", "--pfm-events EX:k"),
        ("--pfm-events EX:u=0", "--pfm-events EX:u=0:k"),
        ("--pfm-events EX:UMASK", "--pfm-events EX:UMASK:k"),
    ],
)
def test_an_event_of_user_space_is_refused_with_the_right_one(text: str, right: str) -> None:
    with pytest.raises(ConfigError, match="not of the kernel alone") as refusal:
        parse_event(text)
    assert refusal.value.hint.endswith(f": {right}")
