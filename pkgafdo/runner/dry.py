"""The runner that shows what would change and still answers questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkgafdo.runner.command import Command, Result, shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRunner:
    """Show every `run` as a shell line through `show`; hand every `query` to a real runner."""

    real: Runner
    show: Callable[[str], None]

    def which(self, program: str) -> str | None:
        """Return the absolute path of a program on the effective PATH, or None."""
        return self.real.which(program)

    def query(self, command: Command) -> Result:
        """Carry out a command that only looks."""
        return self.real.query(command)

    def run(self, command: Command, *, on_line: Callable[[str], None] | None = None) -> Result:  # noqa: ARG002
        """Show the command and pretend that it succeeded without output."""
        self.show(shell(command))
        return Result(returncode=0)
