"""Going through a plan of boots by itself: measure, boot the next kernel once, and so on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, HostError, WaitingError
from pkgafdo.host import boot_loader, installed, systemd
from pkgafdo.host.users import silent_root_command
from pkgafdo.workflows import boot_once
from pkgafdo.workflows.host_measures import plan_state, take_turn
from pkgafdo.workflows.reboot import count_down

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.host_measures import Order

_TEMPLATE: Final = """\
# Written by pkgafdo measure host --go-on, and removed when the plan is done.
[Unit]
Description=pkgafdo: go on with {plan}
ConditionPathExists={plan}

[Service]
Type=oneshot
WorkingDirectory={folder}
Environment={path}
ExecStartPre=/bin/sleep {settle}
ExecStart={start}
SuccessExitStatus=6

[Install]
WantedBy={target}
"""
_SETTLE: Final = 60
"""Seconds after which a machine that has just booted is quiet enough to be measured."""


def take_turns(
    runner: Runner,
    order: Order,
    plan: Path,
    *,
    reboot: bool,
    filesystem: Path = Path("/"),
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Measure the running kernel if it is its turn; with `reboot`, boot the next one.

    Raises WaitingError when the plan goes on in another boot.
    """
    awaited = _read_awaited(_awaited(plan))
    if awaited is not None and awaited[0] == _running(filesystem):
        _awaited(plan).unlink()  # it came up; what boots later says nothing of it
    try:
        take_turn(runner, order, plan)
    except WaitingError:
        if not reboot:
            raise
    state = plan_state(order, plan)
    if state["next"] is None:
        _awaited(plan).unlink(missing_ok=True)
    elif reboot:
        _boot(runner, plan, state["next"], filesystem=filesystem, sleep=sleep)
        raise WaitingError(
            f"this machine reboots into {state['next']}",
            hint="Give the same command again there; --go-on does so by itself.",
        )
    return state


def require_unattended(runner: Runner, root: tuple[str, ...] | None) -> None:
    """Raise HostError where booting by itself would ask for a password, or root cannot be had.

    `root` is the prefix that gains root's rights, as runners have it.
    """
    if root == ():
        return
    if root is None:
        why = "booting another kernel needs root, and there is no sudo, run0 or doas"
    elif runner.query(silent_root_command(root, afresh=True)).returncode:
        why = f"{root[0]} asks for a password, and nobody is there to type it after a reboot"
    else:
        return
    raise HostError(
        "the plan cannot go on by itself",
        details=why,
        hint="Give the command as root, or leave --go-on out and give it again after each boot.",
    )


def _awaited(plan: Path) -> Path:
    """Return the file that remembers which kernel was to be booted, and in which boot that was set."""
    return plan.with_name(f"{plan.name}.boot")


def _boot(
    runner: Runner,
    plan: Path,
    release: str,
    *,
    filesystem: Path,
    sleep: Callable[[float], None],
) -> None:
    """Let a kernel boot once, and reboot. Raises HostError when that cannot be done."""
    running = _running(filesystem)
    boot = installed.boot_identity(filesystem)
    awaited = _read_awaited(_awaited(plan))
    if awaited is not None and awaited[0] == release and awaited[1] != boot:
        # A kernel that does not come up must not make the machine restart for ever.
        raise HostError(
            f"{release} was to be booted once, and {running} came up",
            hint=f"Boot {release} by hand, and give the same command again.",
        )
    loader = boot_loader.detect(filesystem)
    target = boot_once.Target(
        release=release,
        pkgbase=installed.pkgbase_of(filesystem, release) or release,
        running_release=running,
        running_pkgbase=installed.pkgbase_of(filesystem, running),
        may_be_default=True,
    )
    armed = boot_once.arm(runner, loader, target)
    if not armed.entry:
        raise HostError(
            f"it is the turn of {release}, and no one-shot boot was set ({armed.why_not})",
            hint=f"{loader.by_hand} It is {release}.",
        )
    files.write_json(_awaited(plan), {"release": release, "boot": boot})
    runner.run(boot_once.sync_command())
    log.step(f"{loader.name} boots {release} once (entry {armed.entry})")
    count_down(runner, sleep=sleep)


def _running(filesystem: Path) -> str:
    return (filesystem / "proc/sys/kernel/osrelease").read_text(encoding="ascii").strip()


def _read_awaited(path: Path) -> tuple[str, str] | None:
    """Return which kernel was to be booted, and in which boot that was set; None when none was."""
    try:
        data = files.read_json(path)
        return str(data["release"]), str(data["boot"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path} is damaged", details=str(error), hint="Remove it, and give the command again."
        ) from error


def unit_text(
    manager: systemd.Manager,
    *,
    program: Sequence[str],
    arguments: Sequence[str],
    folder: Path,
    plan: Path,
    path: str,
) -> str:
    """Return the unit that gives the command again after each reboot; pure."""
    return _TEMPLATE.format(
        plan=systemd.path_value(plan),
        folder=systemd.path_value(folder),
        path=systemd.quoted(f"PATH={path}"),
        settle=_SETTLE,
        start=systemd.command_line((*program, *arguments)),
        target=manager.target,
    )
