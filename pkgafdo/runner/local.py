"""The runner for this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from plumbum import local
from plumbum.commands.processes import CommandNotFound

from pkgafdo import log
from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner import sessions
from pkgafdo.runner.command import Command, Result, RunAs, shell
from pkgafdo.runner.interrupts import postponed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TAIL_LINES: Final = 30

# plumbum lays a command's environment over its own copy of ours; children get only what a runner names.
local.env.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """The unprivileged user that builds when pkgafdo itself runs as root."""

    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalRunner:
    """Run commands on this machine in a minimal environment.

    env is the whole environment of the children (Command.env overlays it). logs is the folder of
    log files; running the folder where commands in progress are written down. root is the prefix
    that gains root (empty when we are root); builder the user to drop to (None: already unprivileged).
    spent collects the seconds that each program took, queries included.
    """

    env: Mapping[str, str]
    logs: Path | None = None
    running: Path | None = None
    root: tuple[str, ...] | None = ()
    builder: Builder | None = None
    commands: list[str] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)

    def which(self, program: str) -> str | None:
        """Return the absolute path of a program on the effective PATH, or None."""
        return shutil.which(program, path=self.env.get("PATH", os.defpath))

    def query(self, command: Command) -> Result:
        """Carry out a command that only looks."""
        return self._carry_out(command, None)

    def run(self, command: Command, *, on_line: Callable[[str], None] | None = None) -> Result:
        """Carry out a command that changes something, and remember it for the journal."""
        line = shell(command)
        self.commands.append(line)
        log.detail(f"+ {line}")
        return self._carry_out(command, on_line)

    @contextmanager
    def started(
        self,
        command: Command,
        *,
        foreground: bool = False,
        remember: bool = True,
        **streams: Any,  # noqa: ANN401  those of Popen
    ) -> Iterator[Any]:
        """Start a command and leave it at work within the block; after it, none of it is left.

        In the foreground it belongs to our terminal's session, and Ctrl-C reaches it too. Raises
        HostError when it cannot be started.
        """
        if remember:
            line = shell(command)
            self.commands.append(line)
            log.detail(f"+ {line}")
        with self._process(
            command, self._argv(command), foreground=foreground, **streams
        ) as process:
            yield process

    def _carry_out(self, command: Command, on_line: Callable[[str], None] | None) -> Result:
        argv = self._argv(command)
        started = time.monotonic()
        if command.log is None:
            code, out, err, timed_out = self._captured(command, argv)
            result = Result(
                returncode=code, stdout=out, stderr=err, seconds=time.monotonic() - started
            )
        else:
            path = self._log_path(command.log)
            code, tail, timed_out = self._logged(command, argv, path, on_line)
            result = Result(
                returncode=code,
                stdout=tail,
                seconds=time.monotonic() - started,
                log=path,
            )
        self.spent.append(result.seconds)
        if timed_out or code not in command.accept:
            raise _failure(command, result, timed_out=timed_out)
        return result

    def _argv(self, command: Command) -> tuple[str, ...]:
        match command.run_as:
            case RunAs.ROOT if self.root is None:
                raise HostError(
                    f"{command.program} needs root here, and there is no way to gain it",
                    hint="Install sudo (Arch: sudo, Debian: sudo), or run this step as root.",
                )
            case RunAs.ROOT:
                prefix = self.root or ()
            case RunAs.BUILDER if self.builder is not None:
                prefix = (
                    "setpriv",
                    f"--reuid={self.builder.uid}",
                    f"--regid={self.builder.gid}",
                    "--init-groups",
                    "--",
                )
            case _:
                prefix = ()
        argv = (*prefix, *command.argv)
        for name in (argv[0], command.program):
            if self.which(name) is None:
                hint = command.hint if name == command.program else ""
                raise HostError(
                    f"{name} is not installed",
                    hint=hint or "Run `pkgafdo doctor` to see which package holds it.",
                )
        return (self.which(argv[0]) or argv[0], *argv[1:])

    def _environment(self, command: Command) -> dict[str, str]:
        env = dict(self.env)
        if command.run_as is RunAs.BUILDER and self.builder is not None:
            env |= {
                "HOME": self.builder.home,
                "USER": self.builder.name,
                "LOGNAME": self.builder.name,
            }
        return env | dict(command.env)

    @contextmanager
    def _process(
        self,
        command: Command,
        argv: tuple[str, ...],
        *,
        foreground: bool = False,
        **streams: Any,  # noqa: ANN401  plumbum is untyped
    ) -> Iterator[Any]:
        """Start the program as the leader of a session; whatever happens, leave none of it behind."""
        interactive = foreground or (command.run_as is RunAs.ROOT and bool(self.root))
        aside = log.aside() if interactive else nullcontext()
        with aside, ExitStack() as afterwards, ExitStack() as at_end:
            with postponed():  # a Ctrl-C in between would leave a program that nobody ends
                try:
                    process: Any = local[argv[0]].popen(
                        argv[1:],
                        cwd=str(command.cwd or Path.cwd()),
                        env=self._environment(command),
                        # sudo asks for a password on the terminal, which a new session would not have.
                        new_session=not interactive,
                        **streams,
                    )
                except (OSError, CommandNotFound) as error:
                    raise HostError(
                        f"{command.program} could not be started", details=str(error)
                    ) from error
                at_end.callback(_end, process, interactive=interactive)
                # Only a command with a log can take long enough to outlive a killed run.
                if command.log and self.running and not interactive:
                    note = sessions.record(self.running, process.pid, shlex.join(command.argv))
                    afterwards.callback(note.unlink, missing_ok=True)
            yield process

    def _captured(self, command: Command, argv: tuple[str, ...]) -> tuple[int, str, str, bool]:
        with (
            self._process(command, argv, stdin=-1, stdout=-1, stderr=-1) as process,
            _deadline(process, command.timeout) as expired,
        ):
            text = command.stdin.encode() if command.stdin is not None else b""
            out, err = process.communicate(text)
        out, err = (part.decode("utf-8", "replace") for part in (out, err))
        return process.returncode, out, err, expired.is_set()

    def _logged(
        self,
        command: Command,
        argv: tuple[str, ...],
        path: Path,
        on_line: Callable[[str], None] | None,
    ) -> tuple[int, str, bool]:
        """Stream the output into the log; returns exit code, the last lines, whether time ran out."""
        recent: deque[str] = deque(maxlen=_TAIL_LINES)
        with (
            path.open("ab") as stream,
            self._process(command, argv, stdin=-1, stdout=-1, stderr=-2) as process,
            _deadline(process, command.timeout) as expired,
        ):
            stream.write(f"\n+ {shell(command)}\n".encode())
            stream.flush()
            _feed(process.stdin, command.stdin)
            for line in process.stdout:
                stream.write(line)
                stream.flush()
                recent.append(line.decode("utf-8", "replace").rstrip("\n"))
                if on_line is not None:
                    on_line(recent[-1])
            process.wait()
        return process.returncode, "\n".join(recent), expired.is_set()

    def _log_path(self, name: str) -> Path:
        if self.logs is None:
            raise ValueError(f"a runner without a log folder cannot keep “{name}”")
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{name}.log"


def _end(process: Any, *, interactive: bool) -> None:  # noqa: ANN401  plumbum is untyped
    if interactive:
        # sudo itself belongs to root; Ctrl-C on the terminal has reached it already.
        with suppress(PermissionError, ProcessLookupError):
            process.terminate()
    else:
        sessions.end(process.pid)
    process.wait()


def _feed(stdin: IO[bytes], text: str | None) -> None:
    with suppress(BrokenPipeError):  # a program may end without reading its input
        if text is not None:
            stdin.write(text.encode())
        stdin.close()


@contextmanager
def _deadline(process: Any, timeout: float | None) -> Iterator[threading.Event]:  # noqa: ANN401
    """End the process's session when `timeout` seconds have passed; the event tells that it was so."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        sessions.end(process.pid)

    timer = threading.Timer(timeout, expire) if timeout is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield expired
    finally:
        if timer is not None:
            timer.cancel()


def _failure(command: Command, result: Result, *, timed_out: bool) -> CommandError:
    what = (
        f"ran longer than {command.timeout:g} s and was ended"
        if timed_out
        else f"failed with exit code {result.returncode}"
    )
    output = "\n".join(p.strip("\n") for p in (result.stdout, result.stderr) if p.strip())
    details = "\n".join(output.splitlines()[-_TAIL_LINES:])
    where = f"The whole output is in {result.log}." if result.log else f"Command: {shell(command)}"
    return CommandError(
        f"{command.program} {what}",
        details=details,
        hint=f"{command.on_failure} {where}".strip(),
        command=shell(command),
        returncode=result.returncode,
    )
