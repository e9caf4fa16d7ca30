"""What perf says when it refuses, in the words of several versions."""

from __future__ import annotations

import pytest

from pkgafdo.perf.refusals import Refusal, next_move, parse_refusal

TEXTS = {
    "Error:\ncycles:k: PMU Hardware or event type doesn't support branch stack sampling.\n":
        Refusal.NO_STACKS,
    "  Error: unknown option `pfm-events'\n\n Usage: perf record [<options>] [<command>]\n":
        Refusal.NO_LIBPFM,
    "  Error: unknown option `no-switch-events'\n": Refusal.TOO_OLD,
    "event syntax error: '...NEAR_TAKEN:k'\n                 \\___ parser error\n":
        Refusal.UNKNOWN_EVENT,
    "event syntax error: 'cpu/event=0xc4/k'\n   \\___ Cannot find PMU `cpu'. Missing kernel support?\n":
        Refusal.UNKNOWN_EVENT,
    "failed to parse event RETIRED_TAKEN : event not found\n": Refusal.UNKNOWN_EVENT,
    "Error:\nThe branches:k event is not supported.\n": Refusal.NO_EVENT,
    "Error:\nThe sys_perf_event_open() syscall returned with 22 (Invalid argument) for event (x:k).\n":
        Refusal.NO_EVENT,
    "Error:\nNo permission to enable cycles:k event.\n\nConsider adjusting\n": Refusal.NO_RIGHT,
    "Error:\nAccess to performance monitoring and observability operations is limited.\n":
        Refusal.NO_RIGHT,
    "sudo: a password is required\nError: sys_perf_event_open: Permission denied\n":
        Refusal.NO_RIGHT,
    "Error:\nThe PMU counters are busy and in use by another process.\n": Refusal.BUSY,
    "WARNING: perf not found for kernel 6.8.0-40\n\n  You may need to install the following\n":
        Refusal.NO_PERF,
    "Error:\nsomething new\n": Refusal.OTHER,
    "": Refusal.OTHER,
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), TEXTS.items())
def test_a_refusal_is_understood(text: str, why: Refusal) -> None:
    assert parse_refusal(text).why is why


def test_the_line_that_says_so_is_kept() -> None:
    refused = parse_refusal("[ perf record: Woken up 1 times ]\nError:\nsomething new\n")
    assert refused.line == "something new"
    assert str(refused) == "perf failed: something new"


@pytest.mark.parametrize("why", Refusal)
def test_every_refusal_has_a_next_move(why: Refusal) -> None:
    assert next_move(why).endswith((".", ")"))
