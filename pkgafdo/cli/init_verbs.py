"""The verb that writes a configuration for this machine."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pkgafdo.cli.options import DEFAULT_CONFIG, common, show

if TYPE_CHECKING:
    from pkgafdo.workflows.init import Choice, Choices

_QUESTIONS: Final = (
    ("location", "Kernel source (folder, tarball, git URL, or auto)", ()),
    ("base", "Base configuration", ("running", "defconfig", "small")),
    ("lto", "Link time optimisation", ("thin", "none")),
    ("road", "Record branches on this machine, or in a VM", ("host", "vm")),
    ("install", "Install the kernels into this system", ("yes", "no")),
    ("route", "Packages by the kernel's own pacman-pkg, or a PKGBUILD", ("pacman-pkg", "pkgbuild")),
)
"""Field of the choices, the question, and the answers that there are (none: free text)."""


@click.command("init", help="Look at this machine and write a commented pkgafdo.toml that fits it.")
@click.option("-y", "--yes", is_flag=True, help="Decide by itself; ask nothing.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=DEFAULT_CONFIG,
              help="The file to write; default: pkgafdo.toml here.")  # fmt: skip
@common
def init_verb(yes: bool, output: Path, as_json: bool) -> None:
    """Write the file, never over another; asks only on a terminal."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.workflows.init import choose, write_new
    from pkgafdo.workflows.recorder import expected_road

    host = read_facts()
    road = expected_road(host, RecordSettings(road="auto"))
    choices = choose(host, road, here=Path.cwd())
    if not yes and not output.exists() and sys.stdin.isatty():
        choices = _asked(choices)
    write_new(output, choices)
    show(as_json, asdict(choices) | {"path": str(output.resolve())}, _summary(output, choices))


def _asked(choices: Choices) -> Choices:
    for name, question, answers in _QUESTIONS:
        choice: Choice = getattr(choices, name)
        answer = click.prompt(
            f"{question} ({choice.why})",
            default=choice.value,
            type=click.Choice(answers) if answers else str,
            err=True,
        )
        if answer != choice.value:
            changes: dict[str, Any] = {name: replace(choice, value=answer, why="you said so")}
            choices = replace(choices, **changes)
    return _consistent(choices)


def _consistent(choices: Choices) -> Choices:
    """Return choices that go together: a branch is of its tree, a road has its workloads."""
    if choices.location.why == "you said so":
        choices = replace(choices, branch="")
    from pkgafdo.workflows.init import workload

    folder = choices.folder if choices.route.value == "pkgbuild" else ""
    if choices.route.value == "pkgbuild" and not folder:
        folder = click.prompt("Folder with the PKGBUILD", type=str, err=True)
    keeps_modules = choices.base.value not in {"small", "defconfig"}
    return replace(
        choices,
        workload=workload(on_host=choices.road.value == "host"),
        module_list=choices.module_list if keeps_modules else "",
        folder=folder,
    )


def _summary(output: Path, choices: Choices) -> str:
    names = ("location", "base", "lto", "road", "install", "route")
    lines = [
        f"{name:9s} {getattr(choices, name).value}: {getattr(choices, name).why}" for name in names
    ]
    return "\n".join([*lines, f"{output} is written; look at it, then `pkgafdo doctor`."])


INIT_VERBS: tuple[click.Command, ...] = (init_verb,)
