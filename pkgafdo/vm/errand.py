"""A command of the user's in the guest: what the guest is told, and watching it from outside."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.runner import sessions
from pkgafdo.runner.interrupts import on_interrupt
from pkgafdo.vm.guest import Report, parse_report
from pkgafdo.vm.plugin import native_source
from pkgafdo.vm.virtme import SHARE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkgafdo.runner.command import Command
    from pkgafdo.runner.local import LocalRunner

STREAM: Final = "perf.data"
"""The file of the shared folder that a recorder's output goes to."""
_NULL: Final = -3  # as in subprocess
_LOOK: Final = 0.1
_GRACE: Final = 30.0
"""Seconds that QEMU gets to write its counts when it is ended."""
_BEGUN: Final = "pkgafdo: begun\n"
_ENDED: Final = "pkgafdo: step "
_UNWRITABLE: Final = re.compile(r"^pkgafdo: unwritable (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Who runs the command; a user without a name (in containers) has no other groups."""

    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """What is to be run: a command, its program's path, where, in which environment, as whom."""

    command: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]
    user: User
    program: str = ""

    @property
    def title(self) -> str:
        """The command as its user gave it."""
        return " ".join(self.command)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an errand ended.

    status is the command's exit code, None when it did not end by itself; seconds from its begin, 0
    when it never began; interrupted by Ctrl-C or a request to end, terminated by the latter; expired
    when its time was over; unwritable folders of the user that the guest could not make writable.
    """

    report: Report
    status: int | None
    seconds: float
    begun: bool
    interrupted: bool
    expired: bool
    unwritable: tuple[str, ...] = ()
    terminated: bool = False


def writable_folders(errand: Errand) -> tuple[Path, ...]:
    """Return what the guest must make writable of the user's home and the command's folder; pure.

    One within the other needs no layer of its own, and / gets none.
    """
    places = {Path(errand.user.home), errand.folder} - {Path("/")}
    return tuple(
        sorted(
            place
            for place in places
            if not any(place != other and place.is_relative_to(other) for other in places)
        )
    )


def order_text(errand: Errand, recorder: tuple[str, ...] = ()) -> str:
    """Return the shell text that errand.sh reads; pure.

    recorder is a command that runs as root in front of the user's, and writes what it records to its
    standard output.
    """
    user = errand.user
    groups = "--init-groups" if user.name else "--clear-groups"
    become = ("setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", groups, "--")
    pairs = (f"{name}={value}" for name, value in errand.environ.items())
    words = (
        *recorder,
        *(become if user.uid else ()),
        "env", "-i", *pairs,
        f"{SHARE}/window", "1", errand.program, *errand.command[1:],
    )  # fmt: skip
    lines = [
        *(shlex.join(("writable", str(place))) for place in writable_folders(errand)),
        f"folder={shlex.quote(str(errand.folder))}",
        *([f"stream=$share/{STREAM}"] if recorder else []),
        f"run() {{\n\t{shlex.join(words)}\n}}",
    ]
    return "\n".join(lines) + "\n"


def fill_share(
    share: Path, errand: Errand, window: Path, *, recorder: tuple[str, ...] = ()
) -> None:
    """Put into the shared folder what the guest needs; it must exist and be empty."""
    files.write_text(share / "errand.sh", native_source("errand.sh"))
    files.write_text(share / "order", order_text(errand, recorder))
    shutil.copy(window, share / "window")
    for name in ("report", "output"):
        (share / name).touch()


@dataclass(slots=True, kw_only=True)
class _Watch:
    """A guest at work: when its command began, and how much of its output was shown."""

    share: Path
    show: Callable[[bytes], None]
    began: float = 0.0
    ended: float = 0.0
    shown: int = 0

    def look(self) -> None:
        """Note the begin, and pass on what is new of the output."""
        told = _text(self.share / "report")
        if not self.began and _BEGUN in told:
            self.began = time.monotonic()
        if not self.ended and _ENDED in told:
            self.ended = time.monotonic()
        with (self.share / "output").open("rb") as stream:
            stream.seek(self.shown)
            if piece := stream.read():
                self.shown += len(piece)
                log.done_progress()
                self.show(piece)

    @property
    def seconds(self) -> float:
        """How long the command has been running."""
        return (self.ended or time.monotonic()) - self.began if self.began else 0.0


def run_errand(
    runner: LocalRunner,
    command: Command,
    share: Path,
    *,
    console: Path,
    seconds: float | None,
    boot_timeout: float,
    show: Callable[[bytes], None],
) -> Outcome:
    """Boot the guest, let it run its errand, and return how that went.

    The guest is ended after `seconds` of its command, by Ctrl-C, and when it has not come to its
    command within `boot_timeout` seconds; the plugin then writes what it has counted. console is the
    file for the kernel's messages; show gets the command's output as it comes.
    """
    watch = _Watch(share=share, show=show)
    with ExitStack() as stack:
        said = stack.enter_context(console.open("wb"))
        process = stack.enter_context(
            runner.started(command, stdin=_NULL, stdout=_NULL, stderr=said)
        )
        interrupted = stack.enter_context(on_interrupt(lambda: None))
        expired = _watch(process, watch, interrupted.is_set, seconds, boot_timeout)
        if interrupted.is_set() or expired:
            sessions.end(process.pid, grace=_GRACE)
    watch.look()
    ran = watch.seconds
    log.done_progress()
    told = _text(share / "report")
    report = parse_report(told)
    return Outcome(
        report=report,
        status=report.statuses.get(1),
        seconds=ran,
        begun=bool(watch.began),
        interrupted=interrupted.is_set(),
        terminated=interrupted.terminates,
        expired=expired,
        unwritable=tuple(_UNWRITABLE.findall(told)),
    )


def _watch(
    process: Any,  # noqa: ANN401  plumbum is untyped
    watch: _Watch,
    interrupted: Callable[[], bool],
    seconds: float | None,
    boot_timeout: float,
) -> bool:
    """Look on until the guest has ended or must be; returns whether its time was over."""
    started = time.monotonic()
    while process.poll() is None and not interrupted():
        watch.look()
        if watch.began:
            log.progress(f"the command has been running for {watch.seconds:.0f} s")
            if seconds is not None and not watch.ended and watch.seconds >= seconds:
                return True
        else:
            log.progress(f"the guest boots: {time.monotonic() - started:.0f} s")
            if time.monotonic() - started >= boot_timeout:
                return True
        time.sleep(_LOOK)
    return False


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
