"""A command as plain data, and how it reads in a shell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class RunAs(StrEnum):
    """Whose rights a command needs."""

    SELF = "self"
    ROOT = "root"
    BUILDER = "builder"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One program with its arguments; constructing it touches nothing.

    env overlays the runner's minimal environment. accept lists the exit codes that mean success.
    timeout is in seconds. log names the file (without suffix) that keeps the output. hint says where
    the program comes from, for when it is missing; on_failure what to try when it fails.
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None
    accept: frozenset[int] = frozenset({0})
    timeout: float | None = None
    run_as: RunAs = RunAs.SELF
    log: str | None = None
    hint: str = ""
    on_failure: str = ""

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError("a command needs a program")

    @property
    def program(self) -> str:
        """The name of the program, as given."""
        return self.argv[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a command left: exit code, standard output, standard error, seconds.

    A command that writes to a log has its output there and only its last lines here.
    """

    returncode: int
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    log: Path | None = None


def shell(command: Command) -> str:
    """Return the command as one line that can be pasted into a shell."""
    parts = [f"{name}={shlex.quote(value)}" for name, value in sorted(command.env.items())]
    line = " ".join([*parts, shlex.join(command.argv)])
    if command.run_as is RunAs.ROOT:
        line = "sudo " + (f"env {line}" if parts else line)
    if command.cwd is not None:
        line = f"cd {shlex.quote(str(command.cwd))} && {line}"
    if command.run_as is RunAs.BUILDER:
        line = f"# as the build user:\n{line}"
    return line if command.stdin is None else line + _here_document(command.stdin)


def _here_document(text: str) -> str:
    """Return a shell here-document that holds the text as it is, whatever lines are in it."""
    mark = "EOF"
    while mark in text.splitlines():
        mark += "_"
    return f" <<'{mark}'\n{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{mark}"
