"""The verbs that bring a run forward, and those that say where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pkgafdo.cli.options import (
    common,
    configured,
    in_workdir,
    read_config,
    show,
    workdir_path,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.config.model import Config
    from pkgafdo.pipeline.plan import Decision

_HELP = {
    "run": "Do the whole job: build, record, convert, rebuild, verify, measure.",
    "build": "Get the source, build the baseline packages, install them into the private root.",
    "record": "Go on until branches are recorded in the VM.",
    "convert": "Go on until the recording is converted to a profile.",
    "rebuild": "Go on until the optimised packages are built and verified.",
    "measure": "Go on until both kernels are counted on both suites.",
}


def _verb(name: str) -> click.Command:
    @click.command(name, help=_HELP[name])
    @click.option("--dry-run", is_flag=True, help="Show what would run, as shell; change nothing.")
    @click.option(
        "--install", is_flag=True, help="Install the optimised kernel into this system at the end."
    )
    @in_workdir
    @configured
    @common
    def verb(
        dry_run: bool,
        install: bool,
        workdir: Path | None,
        config_file: Path | None,
        source: str | None,
        overrides: tuple[str, ...],
        as_json: bool,
    ) -> None:
        if install:
            overrides = (*overrides, "install.system=true")
        config = read_config(config_file, source, overrides)
        work = _dry_run if dry_run else _advance
        work(config, workdir_path(workdir), name, as_json=as_json)

    return verb


def _advance(config: Config, path: Path, verb: str, *, as_json: bool) -> None:
    from pkgafdo import files, log
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pipeline.workdir import locked
    from pkgafdo.workflows import autofdo
    from pkgafdo.workflows.preflight import require_config_files, require_later, require_tools_for
    from pkgafdo.workflows.result import render_result, result_of
    from pkgafdo.workflows.session import open_session

    host = read_facts()
    require_tools_for(host)
    with locked(path) as workdir:
        session = open_session(config, host, workdir)
        stages = _stages(session, verb)
        require_config_files(session)
        require_later(session, stages)
        entries = autofdo.run_stages(session, stages)
        result = result_of(path, entries)
        files.write_json(path / "result.json", result)
        files.write_text(path / "report.txt", render_result(result))
    log.step(f"done; everything is in {path}")
    show(as_json, result, render_result(result))


def _stages(session: Any, verb: str) -> Any:  # noqa: ANN401  types of lazily imported modules
    from pkgafdo.workflows import autofdo

    stages = autofdo.autofdo_stages(session)
    last = autofdo.LAST_STAGE.get(verb)
    return stages if last is None else autofdo.stages_until(stages, last)


def _dry_run(config: Config, path: Path, verb: str, *, as_json: bool) -> None:
    """Show the decisions and the commands of what would run; leaves the work folder as it is."""
    decisions, previews = _foresee(config, path, verb)
    lines = []
    for decision in decisions:
        lines.append(f"# {decision.stage}: {decision.verdict} ({decision.reason})")
        lines += previews[decision.stage]
    data = [_decision(one) | {"commands": list(previews[one.stage])} for one in decisions]
    show(as_json, {"workdir": str(path), "stages": data}, "\n".join(lines))


def _foresee(
    config: Config, path: Path, verb: str
) -> tuple[tuple[Decision, ...], dict[str, tuple[str, ...]]]:
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pipeline.plan import preview
    from pkgafdo.pipeline.workdir import look_into
    from pkgafdo.workflows.session import plan_session

    workdir = look_into(path)
    stages = _stages(plan_session(config, read_facts(), workdir), verb)
    return preview(stages, workdir.journal.read())


def _decision(decision: Decision) -> dict[str, str]:
    return {
        "stage": decision.stage,
        "title": decision.title,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
    }


@click.command("plan", help="Say what `run` would do, stage by stage, and why.")
@in_workdir
@configured
@common
def plan_verb(
    workdir: Path | None,
    config_file: Path | None,
    source: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the plan."""
    path = workdir_path(workdir)
    decisions, _ = _foresee(read_config(config_file, source, overrides), path, "run")
    lines = [f"{one.verdict.value:6s} {one.title}\n       {one.reason}" for one in decisions]
    data = {"workdir": str(path), "stages": [_decision(one) for one in decisions]}
    show(as_json, data, "\n".join(lines))


@click.command("status", help="Say what a run has finished, and what came out.")
@in_workdir
@common
def status_verb(workdir: Path | None, as_json: bool) -> None:
    """Print what the journal of a work folder holds."""
    from pkgafdo.pipeline.workdir import require_workdir
    from pkgafdo.workflows.result import render_result, result_of

    path = workdir_path(workdir)
    entries = require_workdir(path).journal.read()
    ordered = dict(sorted(entries.items(), key=lambda item: item[1].started))
    result = result_of(path, ordered)
    lines = [
        f"{name:26s} {entry.seconds:8.1f} s  {entry.started}" for name, entry in ordered.items()
    ]
    text = "\n".join(lines or ["nothing is finished yet"]) + "\n\n" + render_result(result)
    show(as_json, result, text)


RUN_VERBS: tuple[click.Command, ...] = (*(_verb(name) for name in _HELP), plan_verb, status_verb)
