"""The verbs of the background sampling: record service install, status, remove, sample."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pkgafdo.cli.options import Function, common, configured, read_config, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.host.facts import HostFacts

_WORDS: Final = ["record", "service"]


class Verbs(click.Group):
    """The verbs, of which `record service` is two words: `record` takes any command after it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that the words name, and what is left of them."""
        if args[:2] == _WORDS:
            return " ".join(_WORDS), service_group, args[2:]
        return super().resolve_command(ctx, args)


def _sampling(*, shortest: int) -> Callable[[Function], Function]:
    """Return what adds the options of one sampling, which takes `shortest` seconds or more."""

    def with_options(function: Function) -> Function:
        for option in (
            click.option(
                "--quota",
                default=256,
                show_default=True,
                type=click.IntRange(1),
                help="MiB of profiles to keep.",
            ),
            click.option(
                "--seconds",
                default=60,
                show_default=True,
                type=click.IntRange(shortest, 3600),
                help="The length of one recording.",
            ),
        ):
            function = option(function)
        return function

    return with_options


@click.group("service", help="Record short profiles in the background, by a timer of systemd.")
def service_group() -> None:
    """Hold the verbs about the background sampling."""


@service_group.command(
    "install", help="Install the timer: on AC power, at random times, as you, without root."
)
@_sampling(shortest=5)
@click.option(
    "--every",
    default="4h",
    show_default=True,
    metavar="SPAN",
    help="The time between two, at least (systemd.time(7)); as much again at random.",
)
@configured
@common
def install_verb(
    seconds: int,
    every: str,
    quota: int,
    config_file: Path | None,
    source: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check that this machine can record, then install service and timer."""
    from pkgafdo.host import systemd
    from pkgafdo.workflows import service, service_units
    from pkgafdo.workflows.recorder import open_recorder, require_addresses
    from pkgafdo.workflows.session import make_runner

    config = read_config(config_file, source, overrides)
    host, user = _owner()
    runner = make_runner(host)
    service.require_recordable(runner, host)
    require_addresses()  # root, who records here to see that it works, would not notice
    open_recorder(runner, host, config.record)
    state = service.state_folder(host)
    service_units.prepare_state(state, runner, user)
    words = ["sample", "--state", state, "--seconds", seconds, "--quota", quota]
    words += ["--config", config_file.resolve()] if config_file else []
    words += [word for one in overrides for word in ("--set", one)]
    command = (sys.executable, "-P", "-m", "pkgafdo", *_WORDS, *(str(word) for word in words))
    sampling = service_units.Sampling(
        user=user, command=command, state=state, every=every, seconds=seconds
    )
    manager = systemd.system_manager(Path("/"))
    service_units.install_units(runner, manager, sampling)
    units = [str(path) for path in service_units.unit_paths(manager)]
    text = f"installed {' and '.join(units)}\nprofiles will be in {state}"
    show(as_json, {"units": units, "state": str(state), "user": user}, text)


@service_group.command("status", help="Say what was sampled in the background, and when.")
@common
def status_verb(as_json: bool) -> None:
    """Print what is kept, and how the last sampling ended."""
    from pkgafdo.host import systemd
    from pkgafdo.workflows import service, service_units

    _, timer = service_units.unit_paths(systemd.system_manager(Path("/")))
    host, _ = _owner()
    status = service.status_of(service.state_folder(host), installed=timer.exists())
    show(as_json, status, service.render_status(status))


@service_group.command("remove", help="Remove the timer; the profiles stay.")
@common
def remove_verb(as_json: bool) -> None:
    """Stop the timer and remove its units."""
    from pkgafdo.host import systemd
    from pkgafdo.workflows import service, service_units
    from pkgafdo.workflows.session import make_runner

    host, _ = _owner()
    removed = service_units.remove_units(make_runner(host), systemd.system_manager(Path("/")))
    state = service.state_folder(host)
    text = f"removed; profiles stay in {state}" if removed else "there was no timer"
    show(as_json, {"removed": removed, "state": str(state)}, text)


@service_group.command("sample", help="Record and convert once, as the timer does.")
@click.option("--state", type=click.Path(path_type=Path), help="Where profiles are kept.")
@_sampling(shortest=1)
@configured
@common
def sample_verb(
    state: Path | None,
    seconds: int,
    quota: int,
    config_file: Path | None,
    source: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Do what the timer does, now."""
    from datetime import UTC, datetime

    from pkgafdo.workflows import service, service_units
    from pkgafdo.workflows.profiles import open_workbench
    from pkgafdo.workflows.session import make_runner

    config = read_config(config_file, source, overrides)
    host, user = _owner()
    runner = make_runner(host)
    wish = service.Sample(
        state=(state or service.state_folder(host)).absolute(),
        seconds=seconds,
        quota=quota << 20,
        now=datetime.now(UTC),
    )
    service_units.prepare_state(wish.state, runner, user)
    done = service.sample(runner, host, open_workbench(config), config.record, wish)
    show(as_json, done, f"{done['path']}: {done['functions']:,} functions")


def _owner() -> tuple[HostFacts, str]:
    """Return this machine's facts with the folders of the user behind root, and that user's name."""
    from pkgafdo.host.facts import folders_of, read_facts
    from pkgafdo.host.invoker import invoking_user

    host = read_facts()
    behind = invoking_user(os.environ, euid=host.euid)
    if behind is None:
        return host, host.user
    return replace(host, folders=folders_of({}, home=behind.home)), behind.name
