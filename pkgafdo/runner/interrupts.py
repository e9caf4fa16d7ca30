"""Ctrl-C as a way to finish something in good order, or not before something is done."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True, kw_only=True)
class Interruption:
    """Which signal asked us to come to an end; 0: none has."""

    number: int = 0

    def is_set(self) -> bool:
        """Tell whether there was one."""
        return bool(self.number)

    @property
    def terminates(self) -> bool:
        """Whether we are to be gone afterwards: Ctrl-C ends what is under way, the others end us."""
        return self.number in {signal.SIGTERM, signal.SIGHUP}


@contextmanager
def on_interrupt(action: Callable[[], None]) -> Iterator[Interruption]:
    """Have the first Ctrl-C, SIGTERM or SIGHUP call `action` and go on.

    A second Ctrl-C interrupts as always; of the others there are often several (a terminal that is
    closed, and then its shell), and further ones only say that we are to be gone after the block. A
    hangup that is ignored (nohup) stays so. Outside of the main thread, which alone gets signals,
    nothing is changed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.getsignal(number) for number in _ENDING}

    def finish(number: int, frame: FrameType | None) -> None:
        del frame
        if interruption.is_set():
            if number != signal.SIGINT:
                interruption.number = number
            return
        interruption.number = number
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        action()

    # Shells have what they start in the background ignore SIGINT; it is meant all the same.
    taken = [
        number
        for number in _ENDING
        if number == signal.SIGINT or before[number] is not signal.SIG_IGN
    ]
    for number in taken:
        signal.signal(number, finish)
    try:
        yield interruption
    finally:
        for number in taken:
            signal.signal(number, before[number])


@contextmanager
def postponed() -> Iterator[None]:
    """Have signals that would end us wait for the end of the block; there they do what they always do.

    Signals that nobody handles in Python, and threads other than the main one, are left as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in _ENDING}
    handled = {number: handler for number, handler in before.items() if callable(handler)}
    for number in handled:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
