"""The options of verbs that may need another kernel booted, and what they do."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.host.facts import HostFacts
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.session import Session

Function = TypeVar("Function", bound="Callable[..., Any]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """What the user said about a boot in the middle of a run."""

    reboot: bool = False
    go_on: bool = False


def booting(function: Function) -> Function:
    """Add the options about the reboot; the verb is given them as `boot`."""

    @functools.wraps(function)
    def with_boot(*args: Any, reboot: bool, go_on: bool, **words: Any) -> Any:  # noqa: ANN401
        return function(*args, boot=Boot(reboot=reboot, go_on=go_on), **words)

    wrapped: Any = with_boot
    for option in (
        click.option("--go-on", is_flag=True,
                     help="Go on by itself after the reboot, by a unit of systemd."),
        click.option("--reboot", is_flag=True,
                     help="Where a new kernel must be booted: reboot into it after a countdown."),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return cast("Function", wrapped)


def note_idle(boot: Boot, *, reboots: bool) -> None:
    """Say of options about the reboot that they change nothing, where no stage needs one."""
    given = [f"--{name}" for name, on in (("reboot", boot.reboot), ("go-on", boot.go_on)) if on]
    if given and not reboots:
        from pkgafdo import log

        log.note(f"no stage of this run boots this machine: nothing comes of {' and '.join(given)}")


def keep_going(session: Session, boot: Boot) -> None:
    """Install the unit that goes on after the reboot, when the user asked for that.

    Raises ConfigError for a recording that would not end by itself.
    """
    if not boot.go_on:
        return
    from pkgafdo.workflows import resume
    from pkgafdo.workflows.host_workloads import require_end

    require_end(session.config.record)
    manager = resume.manager_of(session.host)
    workdir = session.workdir.path
    text = resume.unit_text(
        manager,
        program=(sys.executable, "-P", "-m", "pkgafdo"),
        arguments=sys.argv[1:],
        folder=Path.cwd(),
        workdir=workdir,
        path=os.environ.get("PATH", os.defpath),
    )
    resume.install_unit(session.runner, manager, resume.unit_path(manager, workdir), text)


def keep_turning(runner: Runner, host: HostFacts, plan: Path, *, ended: bool) -> None:
    """Install the unit that goes on with a plan after each reboot; remove it at the plan's end."""
    from pkgafdo.workflows import plan_boots, resume

    manager = resume.manager_of(host)
    unit = resume.unit_path(manager, plan)
    if ended:
        resume.remove_unit(runner, manager, unit)
        return
    text = plan_boots.unit_text(
        manager,
        program=(sys.executable, "-P", "-m", "pkgafdo"),
        arguments=sys.argv[1:],
        folder=Path.cwd(),
        plan=plan,
        path=os.environ.get("PATH", os.defpath),
    )
    resume.install_unit(runner, manager, unit, text)


def stop_going(session: Session) -> None:
    """Remove the unit that would go on: the run is at its end."""
    from pkgafdo.workflows import resume

    manager = resume.manager_of(session.host)
    resume.remove_unit(session.runner, manager, resume.unit_path(manager, session.workdir.path))
