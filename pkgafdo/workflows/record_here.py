"""Recording the running kernel by itself, outside of a run: `pkgafdo record --host`."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.branches.store import write_table
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.host.invoker import user_environment
from pkgafdo.host.resources import free_disk
from pkgafdo.host.running import running_kernel
from pkgafdo.packaging.builder import give
from pkgafdo.perf.alone import only_recorder
from pkgafdo.perf.keeper import REAL_PLACES
from pkgafdo.perf.kept import KeptFile
from pkgafdo.perf.period import notes_on_period
from pkgafdo.perf.record import Workload
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.workflows.host_recording import (
    Job,
    find_running_vmlinux,
    interruption,
    record_job,
    require_faultless,
    subject_of,
)
from pkgafdo.workflows.recorder import open_recorder
from pkgafdo.workflows.recordings import describe_table, read_vmlinux

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.artifacts import Vmlinux
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.host.running import BootedKernel
    from pkgafdo.perf.keeper import Places
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.runner.local import LocalRunner

MIB: Final = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What `record --host` was asked for. environ is the environment that the command gets."""

    output: Path
    seconds: float | None = None
    command: tuple[str, ...] = ()
    environ: Mapping[str, str] | None = None
    vmlinux: Path | None = None


def record_here(
    runner: LocalRunner,
    host: HostFacts,
    settings: RecordSettings,
    wish: Wish,
    *,
    filesystem: Path = Path("/"),
    places: Places = REAL_PLACES,
) -> dict[str, Any]:
    """Record the running kernel into a table at `wish.output`; returns what it holds, JSON-plain.

    Without a command or a time it goes on until Ctrl-C. After the table has been written, raises
    CommandError when something speaks against using it, KeyboardInterrupt when we are to end.
    """
    require_writable(wish.output)
    kernel = running_kernel(filesystem)
    vmlinux = _vmlinux(runner, host, kernel, wish, filesystem)
    subject = subject_of(kernel, host, vmlinux, filesystem=filesystem)
    job = Job(
        name=" ".join(wish.command) or "using the machine",
        workload=_workload(runner, wish),
        seconds=wish.seconds,
        keep=kept_file(wish.output, settings),
    )
    with only_recorder():
        require_absent(wish.output, *([job.keep.path] if job.keep is not None else []))
        recorder = open_recorder(runner, host, settings, filesystem=filesystem, places=places)
        for note in notes_on_period(period=settings.period, cores=host.cores, seconds=wish.seconds):
            log.note(note)
        log.step(f"recording {kernel.release}: {_until(wish)}")
        recording = record_job(recorder, subject, job, settings)
        write_table(recording.table, wish.output)
    for path in (wish.output, job.keep.path if job.keep is not None else wish.output):
        give(path, runner.builder)
    if recording.terminated:
        raise interruption(recording, wish.output)
    require_faultless(
        {job.name: recording}, use_failed=settings.use_failed, kept=f"in {wish.output}"
    )
    return describe_table(recording.table) | {
        "path": str(wish.output),
        "seconds": round(recording.seconds, 1),
        "bytes": recording.size,
        "interrupted": recording.interrupted,
        "vmlinux": str(vmlinux.path) if vmlinux is not None else "",
    }


def require_writable(output: Path) -> None:
    """Raise ConfigError or HostError when a recording of hours could not be written in the end."""
    folder = output.absolute().parent
    if not folder.is_dir() or output.is_dir():
        raise ConfigError(
            f"the recording cannot be written to {output}",
            details=f"{folder} is no folder." if not folder.is_dir() else "It is a folder.",
            hint="Name a file in a folder that there is (--output).",
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise files.unwritable(output, error) from error


def require_absent(*paths: Path) -> None:
    """Raise ConfigError for what a recording would overwrite: nobody can make another one again."""
    for path in paths:
        if os.path.lexists(path):
            raise ConfigError(
                f"{path} is there already; no recording is overwritten",
                hint="Name another file with --output, or move this one away.",
            )


def kept_file(output: Path, settings: RecordSettings) -> KeptFile | None:
    """Return the copy of perf's stream beside a table, if one is wanted; says when there is little room."""
    if not settings.keep_perf_data:
        return None
    limit = settings.keep_limit * MIB
    free = free_disk(output.absolute().parent)
    if free < limit:
        log.note(f"{free // MIB:,} MiB are free for the copy, which may grow to {limit // MIB:,}")
    return KeptFile(path=output.with_suffix(".perf.data"), limit=limit)


def _vmlinux(
    runner: LocalRunner, host: HostFacts, kernel: BootedKernel, wish: Wish, filesystem: Path
) -> Vmlinux | None:
    if wish.vmlinux is not None:
        return read_vmlinux(wish.vmlinux)
    found = find_running_vmlinux(runner, host, kernel, filesystem=filesystem)
    if found is None:
        log.note("the running kernel's vmlinux is not here: name it when you convert the recording")
    return found


def _workload(runner: LocalRunner, wish: Wish) -> Workload | None:
    if not wish.command:
        return None
    if runner.which(wish.command[0]) is None:
        raise HostError(
            f"there is no program {wish.command[0]}",
            details="The shell's own words, such as cd, are no programs.",
            hint="Check the name, or let a shell run it: pkgafdo record --host -- sh -c '…'",
        )
    command = Command(
        argv=wish.command,
        env=user_environment(wish.environ or {}, runner.builder),
        run_as=RunAs.SELF if runner.builder is None else RunAs.BUILDER,
    )
    return Workload(command=command, foreground=True)


def _until(wish: Wish) -> str:
    if wish.command:
        return "until the command ends, or Ctrl-C"
    if wish.seconds is not None:
        return f"for {wish.seconds:.0f} s, or until Ctrl-C"
    return "use the machine as you do; Ctrl-C ends it"
