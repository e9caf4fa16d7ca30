"""What every runner offers: `run` changes the world, `query` only looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.runner.command import Command, Result


class Runner(Protocol):
    """Something that carries out commands: this machine, a fake, a guest."""

    def run(self, command: Command, *, on_line: Callable[[str], None] | None = None) -> Result:
        """Carry out a command that changes something.

        `on_line` receives each output line of a command that has a log. Raises HostError when the
        program is missing and CommandError when the exit code is not accepted or time ran out.
        """
        ...

    def query(self, command: Command) -> Result:
        """Carry out a command that only looks; plans use it too. Raises as `run` does."""
        ...

    def which(self, program: str) -> str | None:
        """Return the absolute path of a program on the effective PATH, or None."""
        ...
