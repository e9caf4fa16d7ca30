"""Recording this machine: perf as root, the workload as the user, counts as they come."""

from __future__ import annotations

import fcntl
import tempfile
import threading
import time
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

from pkgafdo import log
from pkgafdo.errors import CommandError, HostError
from pkgafdo.perf.keeper import REAL_PLACES, Places, kept_command
from pkgafdo.perf.program import PACKAGES
from pkgafdo.perf.refusals import Refused, parse_refusal
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.interrupts import Interruption, on_interrupt

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import TextBounds
    from pkgafdo.perf.events import Event
    from pkgafdo.perf.kept import KeptFile
    from pkgafdo.perf.perfdata.mappings import KernelMapping
    from pkgafdo.runner.local import LocalRunner

_PIPE_SIZE: Final = 1 << 20
"""What fits between perf and us; the default of 64 KiB makes both wait for each other."""
_PIPE: Final = -1
_NULL: Final = -3  # as in subprocess
_ERRORS_SHOWN: Final = 20
_RENEW: Final = Command(argv=("sudo", "-n", "-v"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """What runs while perf records.

    In the foreground it has our terminal (its output goes to stderr); else its output goes to `log`,
    or nowhere.
    """

    command: Command
    foreground: bool = False
    log: IO[bytes] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One recording: it ends with the workload, after `seconds`, or with Ctrl-C, whatever is first.

    Without keep_interrupted, Ctrl-C interrupts as always, and nothing is kept.

    text says where the kernel is linked (None: addresses stay those of the running kernel), kernel
    where it lies, for recordings that do not say. renewal is how often sudo is asked to remember the
    password, in seconds: else it would ask again before the next recording of a series.
    """

    perf: str
    event: Event
    period: int
    run_as: RunAs = RunAs.ROOT
    seconds: float | None = None
    workload: Workload | None = None
    text: TextBounds | None = None
    kernel: KernelMapping | None = None
    keep: KeptFile | None = None
    places: Places = REAL_PLACES
    renewal: float = 60.0
    keep_interrupted: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A recording that ended.

    size is what perf wrote, in bytes. status is the workload's exit code, None when it did not end by
    itself. interrupted: by Ctrl-C or a request to end; terminated: by the latter, after which nothing
    else may begin. damage says what is wrong with the recording's end, if anything.
    """

    table: BranchTable
    seconds: float
    size: int
    status: int | None = None
    interrupted: bool = False
    terminated: bool = False
    damage: str = ""


def record_argv(perf: str, event: Event, period: int) -> tuple[str, ...]:
    """Return perf's command line: the whole machine, into a pipe."""
    return (perf, "record", *event.arguments, "-a", "-N", "-c", str(period), "-o", "-")


def record_command(request: Request) -> Command:
    """Return the command that records until its standard input ends."""
    return kept_command(
        record_argv(request.perf, request.event, request.period),
        run_as=request.run_as,
        places=request.places,
        hint=PACKAGES,
    )


@dataclass(slots=True, kw_only=True)
class _Course:
    """A recording in progress: it starts the workload with it, and shows how far it is."""

    runner: LocalRunner
    request: Request
    perf: Any
    stack: ExitStack
    began: float = 0.0
    size: int = 0
    workload: Any = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ask perf to finish; what it has still to say comes through the pipe."""
        self.stopped.set()
        with suppress(OSError, ValueError):  # perf may be gone, or was asked already
            self.perf.stdin.close()

    def begin(self) -> None:
        """Start the workload and the clock: perf is ready, events are counted from now on."""
        self.began = time.monotonic()
        if self.request.seconds is not None:
            timer = threading.Timer(self.request.seconds, self.stop)
            timer.daemon = True
            timer.start()
            self.stack.callback(timer.cancel)
        if self.request.run_as is RunAs.ROOT and (self.runner.root or ("",))[0] == "sudo":
            threading.Thread(target=self._renew_sudo, daemon=True).start()
        workload = self.request.workload
        if workload is None:
            return
        self.workload = self.stack.enter_context(
            self.runner.started(
                workload.command, foreground=workload.foreground, **_streams(workload)
            )
        )
        threading.Thread(target=self._wait_for_workload, daemon=True).start()

    def take(self, piece: memoryview) -> None:
        """Copy a piece of the recording, if it is to be kept."""
        self.size += len(piece)
        if self.request.keep is not None:
            self.request.keep.write(piece)

    def counted(self, samples: int) -> None:
        """Show time, samples and size."""
        wanted = self.request.seconds
        log.progress(
            f"recording {self.seconds:.0f} s, {samples:,} samples, {self.size / (1 << 20):,.1f} MiB",
            left=None if wanted is None else wanted - self.seconds,
        )

    @property
    def seconds(self) -> float:
        """How long it has been recording."""
        return time.monotonic() - self.began if self.began else 0.0

    def _renew_sudo(self) -> None:
        while not self.stopped.wait(self.request.renewal):
            with (
                suppress(HostError),
                self.runner.started(
                    _RENEW, foreground=True, remember=False, stdin=_NULL, stdout=_NULL, stderr=_NULL
                ) as sudo,
            ):
                sudo.wait()

    def _wait_for_workload(self) -> None:
        self.workload.wait()
        self.stop()


def _streams(workload: Workload) -> dict[str, Any]:
    if workload.foreground:
        return {"stdout": 2}
    return {"stdin": _NULL, "stdout": workload.log or _NULL, "stderr": workload.log or _NULL}


def record(runner: LocalRunner, request: Request) -> Recorded | Refused:
    """Record until the request says that it is enough; returns why perf refused, if it did.

    Raises ArtifactError when nothing was sampled, HostError when a program cannot be started, and
    CommandError when perf fails in another way than by refusing.
    """
    # Compiled code is for those who record; a plan, which knows the command line, goes without it.
    from pkgafdo.perf.live import read_live
    from pkgafdo.perf.perfdata.warm import warm_up

    warm_up()
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile())
        perf = stack.enter_context(
            runner.started(record_command(request), stdin=_PIPE, stdout=_PIPE, stderr=errors)
        )
        course = _Course(runner=runner, request=request, perf=perf, stack=stack)
        stack.callback(_let_finish, perf)
        with suppress(OSError):  # the user's pipes may be at their limit
            fcntl.fcntl(perf.stdout, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        if request.keep is not None:
            request.keep.open()
            stack.callback(request.keep.close)
        keeping = (
            on_interrupt(course.stop) if request.keep_interrupted else nullcontext(Interruption())
        )
        with keeping as interruption:
            counted = read_live(perf.stdout, course, text=request.text, kernel=request.kernel)
        seconds = course.seconds
        log.done_progress()
        _let_finish(perf)
        said = _text(errors)
        _tell_keeper(said)
        if counted is None and interruption.is_set():
            raise KeyboardInterrupt  # before there was anything to keep
        if counted is None:
            return _refused(said, perf.returncode)
        return Recorded(
            table=counted.table,
            seconds=seconds,
            size=counted.size,
            status=course.workload.poll() if course.workload is not None else None,
            interrupted=interruption.is_set(),
            terminated=interruption.terminates,
            damage=counted.damage or _early_end(course, said, perf.returncode),
        )


def _let_finish(perf: Any) -> None:  # noqa: ANN401  plumbum is untyped
    """Close both ends of perf's pipes and wait until what it changed is as it was."""
    for stream in (perf.stdin, perf.stdout):
        with suppress(OSError, ValueError):
            stream.close()
    perf.wait()


def _early_end(course: _Course, said: str, code: int) -> str:
    """Return a sentence when perf ended without having been asked to."""
    if course.stopped.is_set():
        return ""
    return f"perf ended by itself after {course.seconds:.0f} s (exit code {code}). {_last(said)}"


def _refused(said: str, code: int) -> Refused:
    if not code:
        raise CommandError(
            "perf recorded nothing and says that all is well",
            details=_last(said),
            hint="Is the `perf` on PATH the one of this system?",
            returncode=code,
        )
    return parse_refusal(said)


def _tell_keeper(said: str) -> None:
    for line in said.splitlines():
        if line.startswith("keeper: "):
            log.note(line.removeprefix("keeper: "))


def _text(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read(1 << 20).decode("utf-8", "replace")


def _last(said: str) -> str:
    return "\n".join(said.strip().splitlines()[-_ERRORS_SHOWN:])
