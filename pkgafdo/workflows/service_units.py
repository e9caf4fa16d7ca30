"""The timer of the background sampling: its units, bringing them in, and removing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import HostError, PkgafdoError
from pkgafdo.host import systemd
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pkgafdo.host.systemd import Manager
    from pkgafdo.runner.base import Runner

NAME: Final = "pkgafdo-sample"
_SERVICE: Final = """\
# Written by pkgafdo record service install.
[Unit]
Description=pkgafdo: record a short profile of this machine
ConditionACPower=true
ConditionVirtualization=!container

[Service]
Type=oneshot
User={user}
ExecStart={start}
# This kernel cannot be recorded, or too little happened: no fault of the system.
SuccessExitStatus=3 5
TimeoutStartSec={limit}
Nice=10
IOSchedulingClass=idle
CPUWeight=20
# What perf needs of root, and nothing else; no sysctl is opened.
AmbientCapabilities=CAP_PERFMON CAP_SYSLOG
CapabilityBoundingSet=CAP_PERFMON CAP_SYSLOG
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={state}
PrivateTmp=true
RestrictSUIDSGID=true
LockPersonality=true
RestrictRealtime=true
ProtectControlGroups=true
ProtectKernelModules=true
"""
_TIMER: Final = """\
# Written by pkgafdo record service install.
[Unit]
Description=pkgafdo: record a short profile of this machine now and then

[Timer]
OnBootSec=15min
OnUnitInactiveSec={every}
RandomizedDelaySec={every}
AccuracySec=1min

[Install]
WantedBy=timers.target
"""
_CONVERTING: Final = 1800
"""Seconds that converting a short recording may take at the very most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """A background sampling: who runs it, its command, its state folder, and how often.

    every is a time span of systemd (systemd.time(7)), seconds the length of one recording.
    """

    user: str
    command: Sequence[str]
    state: Path
    every: str
    seconds: int


def service_text(sampling: Sampling) -> str:
    """Return the service's unit; pure."""
    return _SERVICE.format(
        user=sampling.user,
        start=systemd.command_line(sampling.command),
        limit=sampling.seconds + _CONVERTING,
        state=systemd.quoted(str(sampling.state)),
    )


def timer_text(sampling: Sampling) -> str:
    """Return the timer's unit; pure."""
    return _TIMER.format(every=sampling.every)


def unit_paths(manager: Manager) -> tuple[Path, Path]:
    """Return where service and timer lie."""
    return manager.folder / f"{NAME}.service", manager.folder / f"{NAME}.timer"


def write_command(path: Path, text: str) -> Command:
    """Return the command that writes a unit as root."""
    return Command(argv=("tee", "--", str(path)), stdin=text, run_as=RunAs.ROOT)


def verify_command(paths: Sequence[Path]) -> Command:
    """Return the command that lets systemd judge units."""
    return Command(
        argv=("systemd-analyze", "verify", "--man=no", *(str(path) for path in paths)),
        hint="This needs systemd (Arch, Debian: systemd).",
    )


def install_units(runner: Runner, manager: Manager, sampling: Sampling) -> None:
    """Write service and timer, let systemd judge them, and start the timer.

    Raises HostError when systemd is not here or refuses; then nothing of it stays.
    """
    service, timer = unit_paths(manager)
    try:
        runner.run(write_command(service, service_text(sampling)))
        runner.run(write_command(timer, timer_text(sampling)))
        _require_whole((service, timer), runner.query(verify_command((service, timer))).stderr)
        runner.run(manager.command("daemon-reload"))
        runner.run(manager.command("enable", "--now", timer.name))
    except PkgafdoError as error:
        _delete(runner, (service, timer))
        raise HostError(
            "systemd does not take the timer of the background sampling",
            details=f"{error.message}\n{error.details}".strip(),
            hint=error.hint or "Record by hand: pkgafdo record --host --seconds 60.",
        ) from error


def _require_whole(paths: Sequence[Path], said: str) -> None:
    """Raise HostError for settings that systemd only ignores, which is no failure to it."""
    names = [path.name for path in paths]
    ignored = [line for line in said.splitlines() if any(name in line for name in names)]
    if ignored:
        raise HostError(
            "it would ignore what it does not understand",
            details="\n".join(ignored),
            hint="A span of time is written as in 4h, 90min or 1h 30min (--every; systemd.time(7)).",
        )


def remove_units(runner: Runner, manager: Manager) -> bool:
    """Stop the timer and remove both units; returns whether there were any."""
    paths = unit_paths(manager)
    if not any(path.exists() for path in paths):
        return False
    try:
        runner.run(manager.command("disable", "--now", paths[1].name))
    except PkgafdoError as error:
        log.warn(f"{paths[1].name} could not be stopped: {error.message}")
    _delete(runner, paths)
    runner.run(manager.command("daemon-reload"))
    return True


def _delete(runner: Runner, paths: Sequence[Path]) -> None:
    argv = ("rm", "-f", "--", *(str(path) for path in paths))
    runner.run(Command(argv=argv, run_as=RunAs.ROOT))


def prepare_state(path: Path, runner: Runner, user: str) -> None:
    """Make the state folder and let it be the user's: the service may write nowhere else."""
    files.mark_folder(path, STATE_KIND)
    if path.owner() != user:
        # Root works for somebody: what is made on the way to the folder is theirs, too.
        ours = [one for one in (path, *path.parents[:2]) if one.owner() == path.owner()]
        owned = (str(one) for one in (*ours, path / files.MARK))
        runner.run(Command(argv=("chown", f"{user}:", "--", *owned), run_as=RunAs.ROOT))


STATE_KIND: Final = "pkgafdo background profiles, format 1"
