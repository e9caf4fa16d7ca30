"""What a person sees while pkgafdo works: steps, notes, warnings and one progress line, on stderr."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Final, TextIO

_STYLE: Final = {"step": "\x1b[1m", "note": "", "warning": "\x1b[33m", "error": "\x1b[31m"}
_RESET: Final = "\x1b[0m"
_REDRAW_SECONDS: Final = 0.2


@dataclass(slots=True, kw_only=True)
class Terminal:
    """Where messages go (without a stream: to stderr as it is then) and how."""

    stream: TextIO | None = None
    quiet: bool = False
    verbose: bool = False
    color: bool = False
    live: bool = False
    started: float = field(default_factory=time.monotonic)
    _line: str = ""
    _drawn: float = 0.0

    def say(self, kind: str, text: str) -> None:
        """Print one message line of a kind (step, note, warning, error)."""
        self.clear()
        elapsed = time.monotonic() - self.started
        stamp = f"[{int(elapsed) // 60:3d}:{int(elapsed) % 60:02d}]"
        label = f"{kind}: " if kind in {"warning", "error"} else ""
        lead = "" if kind == "step" else "  "
        line = f"{stamp} {lead}{label}{text}"
        style = _STYLE[kind] if self.color else ""
        self.out.write(f"{style}{line}{_RESET if style else ''}\n")
        self.out.flush()

    def progress(self, text: str) -> None:
        """Redraw the progress line; does nothing where the stream is not a terminal."""
        now = time.monotonic()
        if self.quiet or not self.live or now - self._drawn < _REDRAW_SECONDS:
            return
        self._drawn = now
        self._line = text[: max(10, shutil.get_terminal_size().columns - 9)]
        self.out.write(f"\r\x1b[K        {self._line}")
        self.out.flush()

    @property
    def out(self) -> TextIO:
        """Where the next message goes."""
        return self.stream or sys.stderr

    def clear(self) -> None:
        """Remove the progress line, if one is drawn."""
        if self._line:
            self._line = ""
            self.out.write("\r\x1b[K")


_terminal = Terminal()


def use(terminal: Terminal) -> None:
    """Send all messages to this terminal from now on (the command line calls it once)."""
    global _terminal  # noqa: PLW0603  one process has one terminal
    _terminal = terminal


def step(text: str) -> None:
    """Say that a piece of work begins."""
    if not _terminal.quiet:
        _terminal.say("step", text)


def note(text: str) -> None:
    """Say something worth knowing."""
    if not _terminal.quiet:
        _terminal.say("note", text)


def detail(text: str) -> None:
    """Say something that only --verbose shows, such as the commands that run."""
    if _terminal.verbose:
        _terminal.say("note", text)


def warn(text: str) -> None:
    """Say that something is probably not what the user wants; never silenced."""
    _terminal.say("warning", text)


def progress(text: str) -> None:
    """Show how far long work has come."""
    _terminal.progress(text)


def done_progress() -> None:
    """Remove the progress line."""
    _terminal.clear()
