"""The stage that records this machine while it runs the kernel that was built for it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.marks import FAULTS, accept_faults, mark_faults
from pkgafdo.branches.merge import merge_tables
from pkgafdo.branches.store import read_table, write_table
from pkgafdo.errors import PkgafdoError
from pkgafdo.host.running import BootedKernel, require_running_kernel
from pkgafdo.perf.alone import only_recorder
from pkgafdo.perf.keeper import REAL_PLACES
from pkgafdo.perf.period import notes_on_period
from pkgafdo.perf.program import find_perf
from pkgafdo.perf.record import record_argv
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import Command, RunAs, shell
from pkgafdo.workflows.boot_gate import boot_gate, gate_needs
from pkgafdo.workflows.host_recording import (
    Job,
    Recording,
    interruption,
    record_job,
    require_faultless,
    subject_of,
)
from pkgafdo.workflows.host_workloads import makers, prepared_workload, require_workloads, weights
from pkgafdo.workflows.record_here import kept_file
from pkgafdo.workflows.recorder import candidates, open_recorder, rights, why_busy, why_unprobed
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.perf.keeper import Places
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.host_recording import Subject
    from pkgafdo.workflows.recorder import Recorder
    from pkgafdo.workflows.session import Session


_CUT_SHORT: Final = "it was interrupted before its workload came to an end"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shelf:
    """Where the recordings of a stage lie: finished ones, and those of a stage that is not finished."""

    folder: Path
    suffix: str

    def unfinished(self, name: str) -> Path:
        """Return the place of a workload's recording until all are there."""
        return self.folder / "unfinished" / self._file(name)

    def finished(self, name: str) -> Path:
        """Return its place after that."""
        return self.folder / self._file(name)

    @property
    def merged(self) -> Path:
        """The place of all of them together."""
        return self.folder / f"host{self.suffix}.parquet"

    def _file(self, name: str) -> str:
        return f"host-{name.replace(' ', '-')}{self.suffix}.parquet"


def record_host_stage(
    session: Session,
    which: Round = Round.BASELINE,
    *,
    filesystem: Path = Path("/"),
    places: Places = REAL_PLACES,
) -> Stage:
    """Return the stage that records the running kernel, which must be a round's.

    It has the outputs of the stage that records in the VM. Its gate is closed while another kernel
    runs.
    """
    settings = session.config.record
    suffix = "" if which is Round.BASELINE else f"-{which}"
    shelf = _Shelf(folder=session.workdir.path / "recordings", suffix=suffix)
    names = ", ".join(weights(settings))

    def run(inputs: Inputs) -> Produced:
        expected = _expected(inputs, which)
        require_running_kernel(expected, filesystem=filesystem)
        vmlinux = Vmlinux(
            path=inputs.file(f"install-{which}.vmlinux"),
            build_id=expected.build_id,
            release=expected.release,
        )
        subject = subject_of(expected, session.host, vmlinux, filesystem=filesystem)
        with only_recorder():
            recorder = open_recorder(
                session.runner, session.host, settings, filesystem=filesystem, places=places
            )
            tree = Path(inputs.fact("source.path"))
            recordings = _record_all(session, recorder, subject, shelf, tree)
        return _produced(settings, recordings, shelf)

    return Stage(
        name=f"record{suffix}",
        title=f"record branches of {names} on this machine, running the {which} kernel",
        recipe=_recipe(settings),
        needs=(f"install-{which}.vmlinux", *gate_needs(which), "source.path"),
        run=run,
        preview=lambda _: _preview(session, filesystem),
        gate=boot_gate(which, filesystem=filesystem),
    )


def require_host_road(
    session: Session, *, filesystem: Path = Path("/"), places: Places = REAL_PLACES
) -> None:
    """Raise HostError or ConfigError for what recording here would find missing only after a build.

    The event is tried, unless that shows only under the kernel that will be built, or somebody else
    records at the moment.
    """
    settings = session.config.record
    require_workloads(session.runner, session.config)
    with ExitStack() as stack:
        why = why_unprobed(session.host, filesystem=filesystem) or why_busy(stack)
        if not why:
            open_recorder(
                session.runner, session.host, settings, filesystem=filesystem, places=places
            )
            return
    perf = find_perf(session.runner, settings.perf)
    candidates(session.host, settings, libpfm=perf.libpfm, filesystem=filesystem)
    rights(session.runner.root, filesystem)
    log.note(f"{why}: whether branches can be recorded here will show after the build")
    if session.config.package.route == "pkgbuild" and "CONFIG_" in why:
        log.note("see that the PKGBUILD's configuration sets that option")


def _preview(session: Session, filesystem: Path) -> tuple[str, ...]:
    settings = session.config.record
    try:
        event = candidates(session.host, settings, filesystem=filesystem)[0]
    except PkgafdoError as error:
        return (f"# {error.message}",)
    argv = record_argv(settings.perf, event, settings.period)
    line = shell(Command(argv=argv, run_as=RunAs.ROOT))
    return tuple(f"{line} | pkgafdo  # while: {name}" for name in weights(settings))


def _expected(inputs: Inputs, which: Round) -> BootedKernel:
    release, build_id = (inputs.fact(key) for key in gate_needs(which))
    return BootedKernel(release=release, build_id=build_id)


def _recipe(settings: RecordSettings) -> dict[str, Any]:
    """Return what decides what is recorded; two recordings of one recipe still differ."""
    return {
        "road": "host",
        "event": settings.event,
        "period": settings.period,
        "seconds": settings.seconds,
        "workloads": weights(settings),
        "command": settings.command,
        "package": settings.package,
    }


def _record_all(
    session: Session, recorder: Recorder, subject: Subject, shelf: _Shelf, tree: Path
) -> dict[str, Recording]:
    """Record every workload apart, those that an interrupted stage has not; returns them by name."""
    settings = session.config.record
    for note in notes_on_period(
        period=settings.period, cores=session.host.cores, seconds=settings.seconds or None
    ):
        log.note(note)
    shelf.unfinished("").parent.mkdir(parents=True, exist_ok=True)
    found = makers(session, tree)
    if not found:
        log.step("recording: use the machine as you do; Ctrl-C ends it and goes on")
    recordings = {}
    for name in weights(settings):
        place = shelf.unfinished(name)
        job_key = files.sha256_json(
            [_recipe(settings) | {"workloads": name}, subject.kernel.build_id]
        )
        known = _read_unfinished(place, job_key, settings)
        if known is not None:
            log.note(f"{name}: recorded before")
            recordings[name] = known
            continue
        with ExitStack() as stack:
            job = Job(
                name=name,
                command=settings.command,
                workload=prepared_workload(session, name, found, stack),
                seconds=settings.seconds or None,
                keep=kept_file(shelf.finished(name), settings),
            )
            recording = _keyed(record_job(recorder, subject, job, settings), job_key)
        if recording.interrupted and found:
            recording = _cut_short(recording)
        write_table(recording.table, place)
        if recording.terminated or _CUT_SHORT in recording.faults:
            raise interruption(recording, place)
        recordings[name] = recording
    return recordings


def _cut_short(recording: Recording) -> Recording:
    """Return a recording whose workload did not get its time, marked as such."""
    faults = (*recording.faults, _CUT_SHORT)
    return replace(recording, table=mark_faults(recording.table, faults), faults=faults)


def _keyed(recording: Recording, job_key: str) -> Recording:
    """Return a recording whose table says which job it was, and how long it took."""
    meta = recording.table.meta
    extra = dict(meta.extra) | {"job": job_key, "seconds": f"{recording.seconds:.1f}"}
    return replace(recording, table=replace(recording.table, meta=replace(meta, extra=extra)))


def _read_unfinished(path: Path, job_key: str, settings: RecordSettings) -> Recording | None:
    """Return a recording that a stage left which did not come to its end, if it can serve."""
    if not path.is_file():
        return None
    try:
        table = read_table(path)
    except PkgafdoError:
        return None
    extra = table.meta.extra
    faults = tuple(extra[FAULTS].split("; ")) if FAULTS in extra else ()
    if extra.get("job") != job_key or (faults and not settings.use_failed):
        return None
    return Recording(
        table=accept_faults(table),
        seconds=float(extra["seconds"]),
        size=0,
        interrupted=False,
        faults=faults,
    )


def _produced(
    settings: RecordSettings, recordings: dict[str, Recording], shelf: _Shelf
) -> Produced:
    """Merge what was recorded, if nothing speaks against it."""
    require_faultless(
        recordings, use_failed=settings.use_failed, kept=f"below {shelf.folder / 'unfinished'}"
    )
    factors = weights(settings)
    table = merge_tables(
        [one.table for one in recordings.values()], weights=[factors[name] for name in recordings]
    )
    write_table(table, shelf.merged)
    for name in recordings:
        shelf.unfinished(name).replace(shelf.finished(name))
    log.note(f"{table.branches:,} taken branches, {table.distinct_branches:,} distinct")
    return Produced(files={"table": shelf.merged}, facts=_facts(table, recordings, factors))


def _facts(
    table: BranchTable, recordings: Mapping[str, Recording], factors: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "suite": ", ".join(recordings),
        "branches": table.branches,
        "ranges": table.ranges,
        "distinct_branches": table.distinct_branches,
        "distinct_ranges": table.distinct_ranges,
        "modules": [module.name for module in table.meta.modules],
        "event": table.meta.event,
        "cpu": table.meta.cpu,
        "road": "host",
        "workloads": {
            name: {
                "weight": factors[name],
                "seconds": round(one.seconds, 1),
                "samples": one.table.meta.samples,
                "lost": one.table.meta.lost,
            }
            for name, one in recordings.items()
        },
    }
