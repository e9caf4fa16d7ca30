"""One recording on this machine: what is recorded, what is known of it, what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import elf, log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.marks import accept_faults, mark_faults
from pkgafdo.branches.origin import RUNTIME_ADDRESSES, UNKNOWN
from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.host.kallsyms import kernel_address
from pkgafdo.pacman.vmlinux import require_vmlinux
from pkgafdo.perf.perfdata.mappings import KernelMapping
from pkgafdo.perf.period import note_on_samples
from pkgafdo.perf.record import Request, record
from pkgafdo.perf.refusals import Refused, next_move

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.host.running import BootedKernel
    from pkgafdo.perf.kept import KeptFile
    from pkgafdo.perf.record import Recorded, Workload
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.runner.local import LocalRunner
    from pkgafdo.workflows.recorder import Recorder

_VMLINUX: Final = (
    "usr/lib/modules/{release}/build/vmlinux",
    "usr/lib/debug/boot/vmlinux-{release}",
    "usr/lib/debug/lib/modules/{release}/vmlinux",
    "boot/vmlinux-{release}",
)
"""Where distributions keep the uncompressed kernel: Arch and CachyOS, Debian, Fedora, others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The running kernel: what it is, where it lies, and its vmlinux if there is one."""

    kernel: BootedKernel
    cpu: str
    text: elf.TextBounds | None = None
    mapping: KernelMapping | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One recording to make: its name, the workload (None: whatever happens), a limit in seconds.

    command is the workload's where it is a user's own and the name does not say it.
    """

    name: str
    command: str = ""
    workload: Workload | None = None
    seconds: float | None = None
    keep: KeptFile | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A finished recording; faults are sentences that speak against using it.

    interrupted and terminated are as in what perf's room calls Recorded.
    """

    table: BranchTable
    seconds: float
    size: int
    interrupted: bool
    faults: tuple[str, ...]
    terminated: bool = False


def subject_of(
    kernel: BootedKernel,
    host: HostFacts,
    vmlinux: Vmlinux | None,
    *,
    filesystem: Path = Path("/"),
) -> Subject:
    """Return the running kernel as the subject of recordings.

    Raises ArtifactError when vmlinux is of another one.
    """
    if vmlinux is not None and vmlinux.build_id != kernel.build_id:
        raise ArtifactError(
            f"{vmlinux.path} is not the kernel that runs",
            details=f"Its build-id is {vmlinux.build_id}; {kernel.release} has {kernel.build_id}.",
            hint="Leave it out (`pkgafdo profile convert` asks for it again), or boot that kernel.",
        )
    found = kernel_address(filesystem)
    return Subject(
        kernel=kernel,
        cpu=host.cpu.model_name,
        text=elf.text_bounds(vmlinux.path) if vmlinux is not None else None,
        mapping=KernelMapping(symbol=found[0], address=found[1], length=0) if found else None,
    )


def find_running_vmlinux(
    runner: LocalRunner, host: HostFacts, kernel: BootedKernel, *, filesystem: Path = Path("/")
) -> Vmlinux | None:
    """Return the running kernel's vmlinux where packages put it; None when it is not here."""
    places = [filesystem / place.format(release=kernel.release) for place in _VMLINUX]
    for path in places:
        if path.is_file() and elf.build_id(path) == kernel.build_id:
            return Vmlinux(path=path, build_id=kernel.build_id, release=kernel.release)
    if not host.pacman_managed:
        return None
    try:
        return require_vmlinux(
            runner, root=filesystem, pkgbase=None, expected_build_id=kernel.build_id
        )
    except ArtifactError:
        return None


def record_job(
    recorder: Recorder, subject: Subject, job: Job, settings: RecordSettings
) -> Recording:
    """Make one recording, whatever may speak against it.

    Raises HostError when perf refuses, ArtifactError when nothing was sampled.
    """
    request = Request(
        perf=recorder.perf.path,
        event=recorder.event,
        period=settings.period,
        run_as=recorder.run_as,
        seconds=job.seconds,
        workload=job.workload,
        text=subject.text,
        kernel=subject.mapping,
        keep=job.keep,
        places=recorder.places,
    )
    outcome = record(recorder.runner, request)
    if isinstance(outcome, Refused):
        raise HostError("perf does not record", details=str(outcome), hint=next_move(outcome.why))
    faults = tuple(faults_of(outcome, subject, settings))
    table = described(outcome.table, recorder, subject, job, faults)
    if settings.use_failed:
        table = accept_faults(table)
    log.note(
        f"{job.name}: {outcome.seconds:.0f} s, {table.meta.samples:,} samples, "
        f"{outcome.size / (1 << 20):,.1f} MiB counted as they came, {table.meta.lost:,} lost"
    )
    if note := note_on_samples(table.meta.samples, period=settings.period):
        log.note(note)
    return Recording(
        table=table,
        seconds=outcome.seconds,
        size=outcome.size,
        interrupted=outcome.interrupted,
        faults=faults,
        terminated=outcome.terminated,
    )


def faults_of(outcome: Recorded, subject: Subject, settings: RecordSettings) -> list[str]:
    """Return what speaks against using a recording, one sentence each; pure."""
    faults = []
    meta = outcome.table.meta
    if outcome.status and not outcome.interrupted:
        faults.append(f"its workload failed with exit code {outcome.status}")
    if outcome.damage:
        faults.append(f"it broke off: {outcome.damage}")
    if not outcome.table.branches:
        faults.append("none of its branches lies in the kernel or a module")
    if meta.lost_share > settings.max_lost:
        faults.append(
            f"{meta.lost_share:.0%} of its samples were lost ({settings.max_lost:.0%} are allowed): "
            "a larger period loses fewer"
        )
    if meta.extra.get(RUNTIME_ADDRESSES) == UNKNOWN:
        faults.append("nobody knows where the kernel lay: its addresses mean nothing")
    if meta.build_id not in {"", subject.kernel.build_id}:
        faults.append(f"perf says that the build-id {meta.build_id} was recorded")
    return faults


def described(
    table: BranchTable, recorder: Recorder, subject: Subject, job: Job, faults: tuple[str, ...]
) -> BranchTable:
    """Return the table with what the stream did not say, and its faults as a mark."""
    meta = table.meta
    extra = dict(meta.extra) | {"workload": job.name}
    extra |= {"workload-command": job.command} if job.command else {}
    known = replace(
        table,
        meta=replace(
            meta,
            build_id=meta.build_id or subject.kernel.build_id,
            kernelrelease=meta.kernelrelease or subject.kernel.release,
            cpu=subject.cpu or meta.cpu,
            event=recorder.event.name,
            source="perf, on this machine",
            extra=extra,
        ),
    )
    return mark_faults(known, faults)


def interruption(recording: Recording, place: Path) -> KeyboardInterrupt:
    """Return the end of who was interrupted while recording, with a note of what became of it."""
    error = KeyboardInterrupt()
    marked = ", marked as not to be used" if recording.faults else ""
    error.add_note(f"the recording so far is kept in {place}{marked}")
    return error


def require_faultless(recordings: dict[str, Recording], *, use_failed: bool, kept: str) -> None:
    """Raise CommandError for recordings that something speaks against, unless they are to be used.

    kept says where they are.
    """
    faulty = {name: one.faults for name, one in recordings.items() if one.faults}
    if not faulty:
        return
    details = "\n".join(f"{name}: {fault}" for name, faults in faulty.items() for fault in faults)
    if use_failed:
        log.warn(f"used although: {'; '.join(details.splitlines())}")
        return
    raise CommandError(
        "the recording is kept, and marked as not to be used",
        details=details,
        hint=f"It is {kept}. Record again, or use it all the same: --set record.use_failed=true",
    )
