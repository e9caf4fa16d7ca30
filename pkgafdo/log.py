"""What a person sees while pkgafdo works: steps, notes, warnings and one progress line, on stderr."""

from __future__ import annotations

import errno
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TextIO

from pkgafdo import progress as estimates
from pkgafdo.columns import fit, width_of
from pkgafdo.progress import News

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STYLE: Final = {"step": "\x1b[1m", "note": "", "warning": "\x1b[33m", "error": "\x1b[31m"}
_RESET: Final = "\x1b[0m"
_REDRAW_SECONDS: Final = 0.2
_TICK_SECONDS: Final = 1.0
_QUICK_SECONDS: Final = 2.0
"""Work that is done before needs no progress line."""


@contextmanager
def outliving_terminal() -> Iterator[None]:
    """Have a terminal that was closed meanwhile end nothing: what the block writes is lost."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise


@dataclass(slots=True, kw_only=True)
class _Work:
    """Long work in progress, and what is known of it."""

    began: float
    last: float | None = None
    news: News = field(default_factory=News)
    told: float = 0.0
    first_share: tuple[float, float] | None = None
    probe: Callable[[], News] | None = None

    def hear(self, news: News, now: float) -> None:
        self.news, self.told = news, now
        if news.share is not None and self.first_share is None:
            self.first_share = (now, news.share)

    def left(self, now: float) -> str:
        began, begun_at = self.first_share or (self.began, 0.0)
        return estimates.estimate(
            self.news,
            elapsed=now - (self.began if self.last else began),
            aged=now - self.told,
            last=self.last,
            begun_at=begun_at,
        )


@dataclass(slots=True, kw_only=True)
class Terminal:
    """Where messages go (without a stream: to stderr as it is then) and how."""

    stream: TextIO | None = None
    quiet: bool = False
    verbose: bool = False
    color: bool = False
    live: bool = False
    started: float = field(default_factory=time.monotonic)
    _drawn: float = 0.0
    _shown: bool = False
    _aside: int = 0
    _work: _Work | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def say(self, kind: str, text: str, *, verbatim: bool = False) -> None:
        """Print one message of a kind (step, note, warning, error), broken to fit a terminal."""
        label = f"{kind}: " if kind in {"warning", "error"} else ""
        lead = "" if kind == "step" else "  "
        style = _STYLE[kind] if self.color else ""
        with self._lock:
            self.clear()
            line = f"{self._stamp()} {lead}{label}{text}"
            if self.live and not verbatim:
                line = fit(line, width_of(self.out), further=len(self._stamp()) + 3)
            self._write(f"{style}{line}{_RESET if style else ''}\n")

    def progress(self, news: News) -> None:
        """Redraw the progress line; does nothing where the stream is not a terminal."""
        if not self.shows_progress:
            return
        with self._lock:
            now = time.monotonic()
            work = self._work or _Work(began=now)
            work.hear(news, now)
            if now - self._drawn >= _REDRAW_SECONDS:
                self._draw(work, now)

    @property
    def shows_progress(self) -> bool:
        """Whether there is a progress line at all."""
        return self.live and not self.quiet

    @contextmanager
    def working(self, last: float | None) -> Iterator[None]:
        """Keep a progress line alive within the block, also while nothing is heard of the work."""
        if not self.shows_progress:
            yield
            return
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(done,), daemon=True)
        with self._lock:
            outer, self._work = self._work, _Work(began=time.monotonic(), last=last)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()
            with self._lock:
                self._work = outer
                self.clear()

    @contextmanager
    def asking(self, probe: Callable[[], News]) -> Iterator[None]:
        """Ask how far the work is, each time before the line is redrawn."""
        work = self._work
        if work is None:
            yield
            return
        work.probe = probe
        try:
            yield
        finally:
            work.probe = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to another program within the block."""
        with self._lock:
            self._aside += 1
            self.clear()
        try:
            yield
        finally:
            with self._lock:
                self._aside -= 1

    @property
    def out(self) -> TextIO:
        """Where the next message goes."""
        return self.stream or sys.stderr

    def clear(self) -> None:
        """Remove the progress line, if one is drawn."""
        with self._lock:
            if self._shown:
                self._shown = False
                self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        """Write at once."""
        with outliving_terminal():
            self.out.write(text)
            self.out.flush()

    def _stamp(self) -> str:
        elapsed = int(time.monotonic() - self.started)
        return f"[{elapsed // 60:3d}:{elapsed % 60:02d}]"

    def _tick(self, done: threading.Event) -> None:
        while not done.wait(_TICK_SECONDS):
            work, now = self._work, time.monotonic()
            if work is None or now - work.began < _QUICK_SECONDS:
                continue
            if (probe := work.probe) is not None:
                work.hear(probe(), now)
            with self._lock:
                if not self._aside and not done.is_set():
                    self._draw(work, now)

    def _draw(self, work: _Work, now: float) -> None:
        line = estimates.line(self._stamp(), work.news, work.left(now), width_of(self.out) - 1)
        self._write(f"\r\x1b[K{line}")
        self._drawn, self._shown = now, True


_terminal = Terminal()


def use(terminal: Terminal) -> None:
    """Send all messages to this terminal from now on (the command line calls it once)."""
    global _terminal  # noqa: PLW0603  one process has one terminal
    _terminal = terminal


def step(text: str) -> None:
    """Say that a piece of work begins."""
    if not _terminal.quiet:
        _terminal.say("step", text)


def note(text: str, *, verbatim: bool = False) -> None:
    """Say something worth knowing; what is to be copied as it is, verbatim."""
    if not _terminal.quiet:
        _terminal.say("note", text, verbatim=verbatim)


def detail(text: str) -> None:
    """Say something that only --verbose shows, such as the commands that run."""
    if _terminal.verbose:
        _terminal.say("note", text, verbatim=True)


def warn(text: str) -> None:
    """Say that something is probably not what the user wants; never silenced."""
    _terminal.say("warning", text)


def progress(
    text: str, *, detail: str = "", share: float | None = None, left: float | None = None
) -> None:
    """Show how far long work has come: what is done, what is at hand, which share, seconds left."""
    _terminal.progress(News(text=text, detail=detail, share=share, left=left))


def done_progress() -> None:
    """Remove the progress line."""
    _terminal.clear()


@contextmanager
def working(last: float | None = None) -> Iterator[None]:
    """Keep a progress line within the block; `last` is how many seconds this work took before."""
    with _terminal.working(last):
        yield


@contextmanager
def asking(probe: Callable[[], News]) -> Iterator[None]:
    """Have the progress line ask how far the work of the block is; the answer may come from a thread."""
    with _terminal.asking(probe):
        yield


@contextmanager
def aside() -> Iterator[None]:
    """Draw nothing by ourselves within the block: another program has the terminal."""
    with _terminal.aside():
        yield
