"""The verbs that bring a run forward, and those that say where it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pkgafdo.cli.boot_options import Boot, booting, keep_going, note_idle, stop_going
from pkgafdo.cli.options import (
    common,
    configured,
    in_workdir,
    read_config,
    show,
    words_of,
    workdir_path,
)
from pkgafdo.cli.record_verb import RecordVerb, with_host
from pkgafdo.cli.service_verbs import service_group
from pkgafdo.cli.wishes import wishing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.config.model import Config
    from pkgafdo.pipeline.plan import Decision

_HELP = {
    "run": "Do the whole job: build, record, convert, rebuild, verify, measure.",
    "build": "Get the source, build the baseline packages, install them into the private root.",
    "record": "Go on until branches are recorded.",
    "convert": "Go on until the recording is converted to a profile.",
    "rebuild": "Go on until the optimised packages are built and verified.",
    "measure": "Go on until all kernels are counted on both suites.",
}


def _declared(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Return what makes a verb of a function; only `record` has another below it."""
    if name == "record":
        below = {"invoke_without_command": True, "commands": [service_group]}
        return click.command(name, cls=RecordVerb, help=_HELP[name], **below)
    return click.command(name, help=_HELP[name])


def _verb(name: str) -> click.Command:
    @_declared(name)
    @click.option("--dry-run", is_flag=True, help="Show what would run, as shell; change nothing.")
    @wishing
    @booting
    @in_workdir
    @configured
    @common
    def verb(
        dry_run: bool,
        workdir: Path | None,
        config_file: Path | None,
        source: str | None,
        overrides: tuple[str, ...],
        as_json: bool,
        boot: Boot,
    ) -> None:
        config = read_config(config_file, source, overrides)
        path = workdir_path(workdir)
        if dry_run:
            _dry_run(config, path, name, boot, as_json=as_json)
        else:
            words = words_of(config_file, source, overrides)
            _advance(config, path, name, boot, words, as_json=as_json)

    return verb


def _advance(
    config: Config, path: Path, verb: str, boot: Boot, words: tuple[str, ...], *, as_json: bool
) -> None:
    from pkgafdo import files, log
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pipeline.workdir import locked
    from pkgafdo.workflows import reboot, waiting
    from pkgafdo.workflows.bootable import require_bootable
    from pkgafdo.workflows.command_line import keep_words
    from pkgafdo.workflows.preflight import (
        awaits_boot,
        require_given_files,
        require_later,
        require_tools_for,
    )
    from pkgafdo.workflows.report import report_session
    from pkgafdo.workflows.result import render_result, result_of
    from pkgafdo.workflows.session import open_session

    host = read_facts()
    require_tools_for(host)
    with locked(path) as workdir:
        session, stages = _staged(open_session(config, host, workdir), verb, write=True)
        reboots = awaits_boot(session, stages)
        require_bootable(session.config, host, path, reboots=reboots)
        require_given_files(session, stages)
        require_later(session, stages)
        note_idle(boot, reboots=_reboots(stages))
        names = [stage.name for stage in stages]
        keep_words(path, folder=Path.cwd(), verb=verb, words=words, stages=names)
        if _reboots(stages):
            keep_going(session, boot)
        entries = reboot.run_or_wait(session, stages, reboot=boot.reboot)
        if waiting.read_waiting(path) is None:
            stop_going(session)
        result = result_of(path, entries)
        files.write_json(path / "result.json", result)
        files.write_text(path / "report.txt", render_result(result))
        if verb == "run":
            report_session(session)
    log.step(f"done; everything is in {path}")
    show(as_json, result, render_result(result))


def _staged(session: Any, verb: str, *, write: bool) -> Any:  # noqa: ANN401  lazily imported
    """Return session and stages; with a reboot among them, the base configuration stays as it is."""
    from pkgafdo.kernel.configure import RunningKernel
    from pkgafdo.workflows.bootable import pinned, require_real_kernel
    from pkgafdo.workflows.road import on_road

    session = on_road(session, probe=write)
    require_real_kernel(session.config)
    stages = _stages(session, verb)
    if not _reboots(stages):
        return session, stages
    running = RunningKernel(release=session.host.release)
    config = pinned(session.config, running, session.workdir.path, write=write)
    session = replace(session, config=config)
    return session, _stages(session, verb)


def _reboots(stages: Any) -> bool:  # noqa: ANN401  types of lazily imported modules
    return any(stage.gate is not None for stage in stages)


def _stages(session: Any, verb: str) -> Any:  # noqa: ANN401  types of lazily imported modules
    from pkgafdo.workflows import autofdo

    stages = autofdo.autofdo_stages(session)
    last = autofdo.last_stage(session, verb)
    return stages if last is None else autofdo.stages_until(stages, last)


def _dry_run(config: Config, path: Path, verb: str, boot: Boot, *, as_json: bool) -> None:
    """Show the decisions and the commands of what would run; leaves the work folder as it is."""
    decisions, previews = _foresee(config, path, verb, boot)
    lines = []
    for decision in decisions:
        lines.append(f"# {decision.stage}: {decision.verdict} ({decision.reason})")
        lines += previews[decision.stage]
    data = [_decision(one) | {"commands": list(previews[one.stage])} for one in decisions]
    show(as_json, {"workdir": str(path), "stages": data}, "\n".join(lines), verbatim=True)


def _foresee(
    config: Config, path: Path, verb: str, boot: Boot
) -> tuple[tuple[Decision, ...], dict[str, tuple[str, ...]]]:
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pipeline.plan import preview
    from pkgafdo.pipeline.workdir import look_into
    from pkgafdo.workflows.preflight import require_given_files
    from pkgafdo.workflows.session import plan_session

    workdir = look_into(path)
    session = plan_session(config, read_facts(), workdir)
    session, stages = _staged(session, verb, write=False)
    require_given_files(session, stages)
    note_idle(boot, reboots=_reboots(stages))
    return preview(stages, workdir.journal.read())


def _decision(decision: Decision) -> dict[str, str]:
    return {
        "stage": decision.stage,
        "title": decision.title,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
    }


@click.command("plan", help="Say what `run` would do, stage by stage, and why.")
@wishing
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
    decisions, _ = _foresee(read_config(config_file, source, overrides), path, "run", Boot())
    lines = [f"{one.verdict.value:6s} {one.title}\n       {one.reason}" for one in decisions]
    data = {"workdir": str(path), "stages": [_decision(one) for one in decisions]}
    show(as_json, data, "\n".join(lines))


@click.command("status", help="Say what a run has finished, and what came out.")
@click.option("--notify", is_flag=True, help="Also show one sentence on the desktop.")
@in_workdir
@common
def status_verb(notify: bool, workdir: Path | None, as_json: bool) -> None:
    """Print what the journal of a work folder holds, and what the run waits for."""
    from pkgafdo.pipeline.workdir import require_workdir
    from pkgafdo.workflows import waiting
    from pkgafdo.workflows.going_on import local_time, next_of
    from pkgafdo.workflows.result import render_result, result_of

    path = workdir_path(workdir)
    entries = require_workdir(path).journal.read()
    ordered = dict(sorted(entries.items(), key=lambda item: item[1].started))
    result = result_of(path, ordered)
    lines = [
        f"{name:26s} {entry.seconds:8.1f} s  {local_time(entry.began)}"
        for name, entry in ordered.items()
    ]
    text = "\n".join(lines or ["nothing is finished yet"]) + "\n\n" + render_result(result)
    if following := next_of(path, entries):
        result["next"] = following
        text = f"{text.rstrip()}\n\n{following['sentence']}"
    if awaited := waiting.status_of(path):
        result["waiting"] = awaited
        text = f"{awaited['sentence']}\n\n{text}"
    if notify:
        _notify(awaited["sentence"] if awaited else f"{len(lines)} stages are finished in {path}")
    show(as_json, result, text)


def _notify(sentence: str) -> None:
    from pkgafdo.host.facts import read_facts
    from pkgafdo.workflows.resume import notify
    from pkgafdo.workflows.session import make_runner

    notify(make_runner(read_facts()), sentence)


_VERBS = {name: _verb(name) for name in _HELP}
with_host(_VERBS["record"])
RUN_VERBS: tuple[click.Command, ...] = (*_VERBS.values(), plan_verb, status_verb)
