"""A runner that starts nothing: it records commands and answers from a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner.command import Command, Result, shell

Answer = Result | Callable[[Command], Result]


@dataclass(kw_only=True)
class FakeRunner:
    """Answer each command by the first entry of `answers` whose key is contained in its argv.

    A key is a program's base name or any whole argument. A command without an answer fails the test.
    `missing` names programs that are not installed. A result whose exit code the command does not
    accept raises CommandError, like the real runner.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    ran: list[Command] = field(default_factory=list)
    queried: list[Command] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def which(self, program: str) -> str | None:
        name = program.rsplit("/", 1)[-1]
        return None if name in self.missing or program in self.missing else f"/usr/bin/{name}"

    def run(self, command: Command, *, on_line: Callable[[str], None] | None = None) -> Result:
        self.ran.append(command)
        self.commands.append(shell(command))
        result = self._answer(command)
        if on_line is not None:
            for line in result.stdout.splitlines():
                on_line(line)
        return result

    def query(self, command: Command) -> Result:
        self.queried.append(command)
        return self._answer(command)

    def _answer(self, command: Command) -> Result:
        if self.which(command.program) is None:
            raise HostError(f"{command.program} is not installed", hint=command.hint)
        words = {command.program.rsplit("/", 1)[-1], *command.argv}
        for key, answer in self.answers.items():
            if key in words:
                result = answer(command) if callable(answer) else answer
                break
        else:
            raise AssertionError(f"no answer scripted for: {shell(command)}")
        if result.returncode not in command.accept:
            raise CommandError(
                f"{command.program} failed with exit code {result.returncode}",
                details=result.stdout + result.stderr,
                command=shell(command),
                returncode=result.returncode,
            )
        return result
