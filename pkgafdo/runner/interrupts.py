"""Ctrl-C as a way to finish something in good order, or not before something is done."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_interrupt(action: Callable[[], None]) -> Iterator[threading.Event]:
    """Have the first Ctrl-C call `action` and go on; a second one interrupts as always.

    The event tells whether there was one. Outside of the main thread, which alone gets signals,
    nothing is changed.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def finish(number: int, frame: FrameType | None) -> None:
        del number, frame
        interrupted.set()
        signal.signal(signal.SIGINT, before)
        action()

    signal.signal(signal.SIGINT, finish)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


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
