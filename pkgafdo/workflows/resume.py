"""Going on by itself after the reboot: a unit of systemd that gives the same command again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import HostError, PkgafdoError
from pkgafdo.host import systemd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.host.facts import HostFacts
    from pkgafdo.runner.base import Runner

_TEMPLATE: Final = """\
# Written by pkgafdo run --go-on, and removed when the run is at its end.
[Unit]
Description=pkgafdo: go on with {workdir}
ConditionPathExists={workdir}/waiting.json

[Service]
Type=oneshot
WorkingDirectory={folder}
Environment={path}
ExecStart={start}
ExecStopPost=-{report}
SuccessExitStatus=6
Nice=10

[Install]
WantedBy={target}
"""
_DROPPED: Final = frozenset({"--reboot"})
"""A kernel that does not come up must not make the machine restart for ever."""


def manager_of(host: HostFacts, *, filesystem: Path = Path("/")) -> systemd.Manager:
    """Return the systemd that goes on: the system's for root, the user's own otherwise."""
    if host.euid == 0:
        return systemd.system_manager(filesystem)
    return systemd.user_manager(host.folders.config)


def unit_path(manager: systemd.Manager, workdir: Path) -> Path:
    """Return the unit of a work folder; each has its own."""
    return manager.folder / f"pkgafdo-{files.sha256_json(str(workdir))[:12]}.service"


def unit_text(
    manager: systemd.Manager,
    *,
    program: Sequence[str],
    arguments: Sequence[str],
    folder: Path,
    workdir: Path,
    path: str,
) -> str:
    """Return the unit that gives the command again, from the folder where it was given; pure."""
    kept = [word for word in arguments if word not in _DROPPED]
    return _TEMPLATE.format(
        workdir=systemd.path_value(workdir),
        folder=systemd.path_value(folder),
        path=systemd.quoted(f"PATH={path}"),
        start=systemd.command_line((*program, *kept)),
        report=systemd.command_line((*program, "status", "--notify", "--workdir", str(workdir))),
        target=manager.target,
    )


def install_unit(runner: Runner, manager: systemd.Manager, path: Path, text: str) -> None:
    """Write the unit and let it start with the next session, or boot. Raises HostError without systemd."""
    try:
        files.write_text(path, text)
        runner.run(manager.command("daemon-reload"))
        runner.run(manager.command("enable", path.name))
    except (OSError, PkgafdoError) as error:
        path.unlink(missing_ok=True)
        raise HostError(
            "systemd does not take a unit that goes on after the reboot",
            details=str(error),
            hint="Leave --go-on out, and give the same command again after the reboot.",
        ) from error
    when = "at your next login" if manager.user else "at the next boot"
    log.note(f"{path.name} goes on by itself {when}")


def remove_unit(runner: Runner, manager: systemd.Manager, path: Path) -> None:
    """Remove the unit, if there is one: the run is at its end."""
    if not path.exists():
        return
    try:
        runner.run(manager.command("disable", path.name))
    except PkgafdoError as error:
        log.warn(f"{path.name} could not be disabled: {error}")
    path.unlink(missing_ok=True)


def notify(runner: Runner, sentence: str) -> None:
    """Show a sentence on the desktop, where there is one."""
    try:
        runner.run(systemd.notify_command("pkgafdo", sentence))
    except HostError as error:
        log.note(f"no notification: {error.message}")
