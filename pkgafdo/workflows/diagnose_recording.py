"""The lines of the page about recording on this machine: branch records, perf, root, workloads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pkgafdo.errors import PkgafdoError
from pkgafdo.host import doctor
from pkgafdo.host.container import container_name
from pkgafdo.host.doctor import Finding, Level
from pkgafdo.host.pmu import facilities, read_pmu
from pkgafdo.host.users import root_prefix
from pkgafdo.perf import program
from pkgafdo.workflows.host_workloads import require_workloads, weights
from pkgafdo.workflows.recorder import rights, why_unprobed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.runner.base import Runner

    Trial = Callable[[], str]
    """`recorder.try_recording` with its arguments."""

_TOPIC = "recording"
_ELSEWHERE = (
    "in the VM with the virtual LBR, which needs none (record.road=vm). On hardware: Intel Haswell and "
    "newer, AMD Zen 3 EPYC with brs, Zen 4 and newer."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A recording of one second: the event that worked, or the refusal; neither where none was made."""

    event: str = ""
    error: PkgafdoError | None = None


def try_once(trial: Trial | None, host: HostFacts, settings: RecordSettings, root: Path) -> Tried:
    """Record for a second where that can say something and asks nobody for a password."""
    announced = settings.event or facilities(host.cpu, read_pmu(root))
    if trial is None or not announced or why_unprobed(host, filesystem=root):
        return Tried()
    try:
        return Tried(event=trial())
    except PkgafdoError as error:
        return Tried(error=error)


def branch_finding(host: HostFacts, filesystem: Path, tried: Tried, lacking: Level) -> Finding:
    """Say what records branches here, and whether it does; `lacking` is the level where it does not."""
    cpu = host.cpu
    name = cpu.model_name or "this processor"
    found = facilities(cpu, read_pmu(filesystem))
    announced = f"{found[0]} ({name})" if found else f"none announced ({name})"
    if tried.event:
        text = f"{announced}; a recording of a second worked with {tried.event}"
        return doctor.fine(_TOPIC, "branch records", text)
    if tried.error is not None:
        line = replace(doctor.refused(_TOPIC, "branch records", tried.error), level=lacking)
        return replace(line, text=f"{announced}, but {line.text}")
    if not found:
        why = "a hypervisor hides them" if cpu.virtual else "the processor announces none"
        return _line(lacking, f"none: {why} ({name})", f"Record {_ELSEWHERE}")
    if container := container_name(filesystem):
        text = f"{announced}, but {container} containers keep perf from it"
        return _line(lacking, text, f"Work on the host itself, or record {_ELSEWHERE}")
    if why := why_unprobed(host, filesystem=filesystem):
        hint = (
            "A run with record.road=host sets it in its kernels: whether it works shows under them."
        )
        return _line(Level.NOTE, f"{announced}, as announced; {why}", hint)
    text = f"{announced}, as announced; recording probes it, and so does doctor of a run that records here"
    return doctor.fine(_TOPIC, "branch records", text)


def _line(level: Level, text: str, hint: str) -> Finding:
    return Finding(topic=_TOPIC, name="branch records", level=level, text=text, hint=hint)


def perf_finding(
    runner: Runner, host: HostFacts, settings: RecordSettings, lacking: Level
) -> Finding:
    """Say which perf records, and what it lacks."""
    try:
        perf = program.find_perf(runner, settings.perf)
    except PkgafdoError as error:
        return replace(doctor.refused(_TOPIC, "perf record", error), level=lacking)
    text = f"{perf.path} of Linux {perf.version[0]}.{perf.version[1]}"
    if perf.libpfm:
        return doctor.fine(_TOPIC, "perf record", f"{text}, with libpfm")
    text += ", without libpfm"
    if host.cpu.vendor != "AuthenticAMD":
        return doctor.fine(_TOPIC, "perf record", text)
    return Finding(
        topic=_TOPIC,
        name="perf record",
        level=Level.NOTE,
        text=text,
        hint="AMD's event is then given as a raw number (cpu/event=0xc4/k); nothing is lost. "
        "A perf with libpfm: CachyOS's; on Arch build linux-tools with libpfm (AUR: libpfm).",
    )


def root_finding(
    runner: Runner, host: HostFacts, filesystem: Path, *, records: bool, installs: bool
) -> Finding:
    """Say how single programs get root's rights: perf (`records`) and pacman (`installs`)."""
    prefix = root_prefix(host.euid, runner.which)
    if prefix is not None:
        text = f"by {runner.which(prefix[0])}" if prefix else "pkgafdo itself runs as root"
        return doctor.fine("tools", "root", text)
    try:
        rights(prefix, filesystem)
    except PkgafdoError as error:
        needed = Level.MISSING if records or installs else Level.NOTE
        return replace(doctor.refused("tools", "root", error), level=needed)
    return Finding(
        topic="tools",
        name="root",
        level=Level.MISSING if installs else Level.NOTE,
        text="no sudo, run0 or doas: perf records without, but nothing can be installed",
        hint="Install sudo (Arch: sudo, Debian: sudo), or run pkgafdo as root.",
    )


def workload_finding(runner: Runner, config: Config) -> Finding:
    """Say whether the workloads that are recorded here can run."""
    try:
        require_workloads(runner, config)
    except PkgafdoError as error:
        return doctor.refused(_TOPIC, "workloads", error)
    return doctor.fine(_TOPIC, "workloads", ", ".join(weights(config.record)))
