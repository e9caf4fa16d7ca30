"""The command line in a pseudo-terminal of 80 columns, and what its screen shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from dataclasses import dataclass
from subprocess import Popen  # noqa: TID251  the runner gives no terminal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = 80
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What a program wrote on its terminal, and how it ended."""

    code: int
    raw: str

    @property
    def drawn(self) -> list[str]:
        """Every state of every line, those that were drawn over included."""
        return [_CONTROL.sub("", one) for one in re.split(r"\r\n|\r|\n", self.raw)]

    @property
    def lines(self) -> list[str]:
        """What is left to read in the end."""
        left = [
            line.rpartition("\r\x1b[K")[2] for line in self.raw.replace("\r\n", "\n").split("\n")
        ]
        return [_CONTROL.sub("", line) for line in left]

    @property
    def codes(self) -> set[str]:
        """The control sequences that were used."""
        return set(_CONTROL.findall(self.raw))


def in_terminal(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, columns: int = COLUMNS
) -> Screen:
    """Run a command with all its streams on a terminal; returns when it has ended."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with Popen(
        list(command), cwd=cwd, env=dict(env), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        said = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return Screen(code=process.returncode, raw=said.decode())


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # all ends of the other side are closed
        return b""
