"""Signals that come while something is under way that must be brought to its end."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from pkgafdo.runner.interrupts import Interruption, on_interrupt, postponed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(params=ENDING)
def number(request) -> Iterator[int]:
    """A signal that interrupts, as the command line has it."""
    found: int = request.param
    before = signal.signal(found, signal.default_int_handler)
    yield found
    signal.signal(found, before)


def interrupted(number: int, then: Callable[[], None]) -> None:
    with postponed():
        signal.raise_signal(number)
        then()


def test_a_signal_waits_for_the_end_of_the_block(number: int) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(number, lambda: done.append("after the signal"))
    assert done == ["after the signal"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_without_a_signal_nothing_is_different_afterwards(number: int) -> None:
    with postponed():
        pass
    assert signal.getsignal(number) is signal.default_int_handler


def test_an_error_in_the_block_does_not_swallow_the_signal(number: int) -> None:
    def fail() -> None:
        raise ValueError

    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted(number, fail)
    assert isinstance(caught.value.__context__, ValueError)


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with postponed():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_first_signal_finishes_and_the_rest_goes_on(number: int) -> None:
    done = []
    with on_interrupt(lambda: done.append("finished")) as interrupted:
        signal.raise_signal(number)
        done.append("the rest")
    assert done == ["finished", "the rest"]
    assert interrupted.is_set()
    assert interrupted.terminates == (number != signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def interrupted_again(number: int, then: int, done: list[str]) -> Interruption:
    with on_interrupt(lambda: done.append("finished")) as interruption:
        signal.raise_signal(number)
        signal.raise_signal(then)
        done.append("the rest")
    return interruption


def test_a_second_ctrl_c_interrupts(number: int) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_again(number, signal.SIGINT, done)
    assert done == ["finished"]


@pytest.mark.parametrize("then", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_and_its_shell_hang_up_once(number: int, then: int) -> None:
    done: list[str] = []
    interruption = interrupted_again(number, then, done)
    assert done == ["finished", "the rest"]
    assert interruption.terminates


def test_a_hangup_that_is_ignored_finishes_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_interrupt(lambda: None) as interrupted:
            signal.raise_signal(signal.SIGHUP)
        assert not interrupted.is_set()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_first_ctrl_c_does_is_done_afterwards() -> None:
    done = []
    with on_interrupt(lambda: done.append("finished")) as interrupted:
        with postponed():
            signal.raise_signal(signal.SIGINT)
            assert not interrupted.is_set()
        assert interrupted.is_set()
    assert done == ["finished"]


def test_in_another_thread_nothing_is_changed() -> None:
    seen = []

    def look() -> None:
        with postponed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
