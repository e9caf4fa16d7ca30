"""This machine as a recorder: perf, the rights, and the event that was proven to work."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.errors import HostError, PkgafdoError
from pkgafdo.host.capabilities import may_record
from pkgafdo.host.cpu import BranchRecords
from pkgafdo.host.pmu import facilities, read_pmu
from pkgafdo.host.users import silent_root_command
from pkgafdo.perf.alone import only_recorder
from pkgafdo.perf.events import events_for, parse_event, require_stacks
from pkgafdo.perf.keeper import REAL_PLACES
from pkgafdo.perf.probe import probe, require_event
from pkgafdo.perf.program import find_perf
from pkgafdo.perf.refusals import Refusal, next_move
from pkgafdo.runner.command import RunAs

if TYPE_CHECKING:
    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.perf.events import Event
    from pkgafdo.perf.keeper import Places
    from pkgafdo.perf.program import Perf
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.runner.local import LocalRunner

ROOT = Path("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorder:
    """What records here: perf with the rights that it needs, and an event that gave samples."""

    runner: LocalRunner
    perf: Perf
    event: Event
    run_as: RunAs
    places: Places = REAL_PLACES


def open_recorder(
    runner: LocalRunner,
    host: HostFacts,
    settings: RecordSettings,
    *,
    filesystem: Path = ROOT,
    places: Places = REAL_PLACES,
) -> Recorder:
    """Find perf and the event, and record for a second to see that it works.

    Raises HostError when this machine cannot record branches, with the reason of each event tried.
    """
    perf = find_perf(runner, settings.perf)
    events = candidates(host, settings, libpfm=perf.libpfm, filesystem=filesystem)
    run_as = rights(runner.root, filesystem)
    probed = probe(runner, perf, events, run_as=run_as, places=places)
    event = require_event(probed)
    log.note(probed.reason)
    return Recorder(runner=runner, perf=perf, event=event, run_as=run_as, places=places)


def try_recording(
    runner: LocalRunner,
    host: HostFacts,
    settings: RecordSettings,
    *,
    filesystem: Path = ROOT,
    places: Places = REAL_PLACES,
) -> str:
    """Return the event that gave branches within a second, as `open_recorder` does; raises as it does.

    It is empty where a password would be asked for, and while somebody else records on this machine.
    """
    prefix = runner.root
    asks = prefix and rights(prefix, filesystem) is RunAs.ROOT
    if prefix and asks and runner.query(silent_root_command(prefix)).returncode:
        return ""
    with ExitStack() as stack:
        if why_busy(stack):
            return ""
        recorder = open_recorder(runner, host, settings, filesystem=filesystem, places=places)
    return recorder.event.name


def why_busy(stack: ExitStack) -> str:
    """Take the recorder's place until the stack is closed; return why it is not free, or nothing."""
    try:
        stack.enter_context(only_recorder())
    except HostError as error:
        return error.message
    return ""


def candidates(
    host: HostFacts, settings: RecordSettings, *, libpfm: bool = True, filesystem: Path = ROOT
) -> tuple[Event, ...]:
    """Return the events to try, best first: the user's own, else those of this processor.

    Raises HostError when there is none.
    """
    if settings.event:
        return (parse_event(settings.event),)
    pmu = read_pmu(filesystem)
    found = [facility.value for facility in facilities(host.cpu, pmu)]
    return require_stacks(events_for(found, hybrid=pmu.hybrid, libpfm=libpfm))


def why_unprobed(host: HostFacts, *, filesystem: Path = ROOT) -> str:
    """Return why a probe under the kernel that runs says nothing of the one to be built; or nothing.

    BRS alone is an option of the kernel (arch/x86/events/Kconfig), which distributions leave out.
    """
    if host.cpu.branch_records is BranchRecords.AMD_BRS and not read_pmu(filesystem).depth:
        return "the running kernel was built without CONFIG_PERF_EVENTS_AMD_BRS"
    return ""


def rights(root: tuple[str, ...] | None, filesystem: Path = ROOT) -> RunAs:
    """Return as whom perf runs: root, or ourselves where this system lets every user record it.

    `root` is the prefix that gains root's rights, as runners have it. Raises HostError when neither is
    possible.
    """
    if root != () and may_record(filesystem):
        require_addresses(filesystem)
        return RunAs.SELF  # the service of the background sampling: no one is there to ask
    if root is not None:
        return RunAs.ROOT
    paranoid, restrict = (
        _sysctl(filesystem, name) for name in ("perf_event_paranoid", "kptr_restrict")
    )
    if paranoid <= 0 and restrict == 0:
        log.note("perf runs as you: kernel.perf_event_paranoid and kptr_restrict are open here")
        return RunAs.SELF
    raise HostError(
        "recording the kernel needs root, and there is no way to gain it",
        details=f"kernel.perf_event_paranoid is {paranoid}, kernel.kptr_restrict {restrict}.",
        hint=next_move(Refusal.NO_RIGHT),
    )


def require_addresses(filesystem: Path = ROOT) -> None:
    """Raise HostError where capabilities alone do not show perf where the kernel lies.

    Linux, kernel/ksyms_common.c: kallsyms_show_value; with kptr_restrict 2 nobody is shown it.
    """
    if _sysctl(filesystem, "kptr_restrict") > 1:
        raise HostError(
            "the kernel's addresses are hidden from all programs: kernel.kptr_restrict is 2",
            details="Recording in the background has no root, which alone could lower it meanwhile.",
            hint="Set it to 1, which still hides them from all without CAP_SYSLOG; or record by hand: "
            "pkgafdo record --host --seconds 60",
        )


def _sysctl(filesystem: Path, name: str) -> int:
    path = filesystem / "proc/sys/kernel" / name
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # hidden in some containers; taken as closed
        return 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Road:
    """Where branches are recorded, and why."""

    name: str
    why: str


def only_in_vm(config: Config) -> str:
    """Return why the kernels of a run boot in the VM alone, empty when they do not; pure."""
    if config.package.route == "pacman-pkg" and config.kernel.base == "small":
        return "kernel.base=small makes a kernel for the VM, which drives no hardware"
    return ""


def expected_road(host: HostFacts, settings: RecordSettings, *, filesystem: Path = ROOT) -> Road:
    """Return the road as far as it can be told without recording; for plans."""
    if settings.road != "auto":
        return Road(name=settings.road, why="as configured")
    try:
        events = candidates(host, settings, filesystem=filesystem)
    except PkgafdoError as error:
        return Road(name="vm", why=error.message)
    return Road(name="host", why=f"{events[0].facility} is announced")


def possible_road(config: Config) -> Road | None:
    """Return the only road that a configuration leaves; None when it leaves the choice to the machine."""
    if config.record.road != "auto":
        return Road(name=config.record.road, why="as configured")
    why = only_in_vm(config)
    return Road(name="vm", why=why) if why else None


def probed_road(
    runner: LocalRunner,
    host: HostFacts,
    settings: RecordSettings,
    *,
    filesystem: Path = ROOT,
    places: Places = REAL_PLACES,
) -> Road:
    """Return the road to take; with "auto" the host's where a probe succeeds, else the VM's.

    Raises HostError while somebody else records on this machine.
    """
    road = expected_road(host, settings, filesystem=filesystem)
    if settings.road != "auto" or road.name == "vm":
        return road
    if why := why_unprobed(host, filesystem=filesystem):
        return Road(name="vm", why=f"{why} (with record.road=host the one to record gets it)")
    with only_recorder():
        try:
            recorder = open_recorder(runner, host, settings, filesystem=filesystem, places=places)
        except PkgafdoError as error:
            why = error.details.splitlines()[-1] if error.details else error.message
            return Road(name="vm", why=f"the probe on this machine failed: {why}")
    return Road(name="host", why=f"{recorder.event.name} works on this machine")
