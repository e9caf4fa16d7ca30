"""What the verb `record` can do besides bringing a run forward: record this machine now."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import click

from pkgafdo.cli.options import open_terminal, read_config, show

_HELP = """Record branches: for a run, or of this machine, now.

    Without --host, go on with the run until branches are recorded (record.road says where). With it, perf
    records the running kernel into a table for `pkgafdo profile convert`: while COMMAND runs, for some
    time, or until Ctrl-C.
    """
_OPTIONS = (
    click.Option(
        ["--host"], is_flag=True, help="Record the running kernel, now, outside of a run."
    ),
    click.Option(
        ["--seconds"], type=click.FloatRange(min=1), help="End after so many seconds (with --host)."
    ),
    click.Option(
        ["-o", "--output"],
        type=click.Path(path_type=Path),
        help="The table to write; default: host.parquet here (with --host).",
    ),
    click.Option(
        ["--vmlinux"],
        type=click.Path(path_type=Path),
        help="The running kernel, uncompressed; default: where packages put it (with --host).",
    ),
    click.Option(
        ["--keep-perf-data"],
        is_flag=True,
        help="Also keep what perf wrote, beside the table (record.keep_perf_data).",
    ),
    click.Argument(["command"], nargs=-1, type=click.UNPROCESSED),
)


def with_host(base: click.Command) -> click.Command:
    """Add recording this machine to the verb that records for a run."""
    go_on = base.callback
    assert go_on is not None  # noqa: S101  a verb has a function

    @functools.wraps(go_on)
    def verb(
        *,
        host: bool,
        seconds: float | None,
        output: Path | None,
        vmlinux: Path | None,
        keep_perf_data: bool,
        command: tuple[str, ...],
        **words: Any,  # noqa: ANN401  those of the verb that records for a run
    ) -> Any:  # noqa: ANN401
        if keep_perf_data:
            words["overrides"] = (*words["overrides"], "record.keep_perf_data=true")
        if not host:
            if command or seconds is not None or output is not None or vmlinux is not None:
                raise click.UsageError("These belong to --host, which records this machine now.")
            return go_on(**words)
        if words["dry_run"]:
            raise click.UsageError("--host records at once; --dry-run belongs to a run.")
        open_terminal(quiet=words["quiet"], verbose=words["verbose"])
        _record(seconds, output, vmlinux, command, words)
        return None

    base.callback = verb
    base.help = _HELP
    base.params = [*base.params, *_OPTIONS]
    return base


def _record(
    seconds: float | None,
    output: Path | None,
    vmlinux: Path | None,
    command: tuple[str, ...],
    words: dict[str, Any],
) -> None:
    from dataclasses import replace

    from pkgafdo.host.facts import read_facts
    from pkgafdo.host.invoker import invoking_user
    from pkgafdo.workflows.record_here import Wish, record_here
    from pkgafdo.workflows.recordings import render_table_info
    from pkgafdo.workflows.session import make_runner

    config = read_config(words["config_file"], words["source"], words["overrides"])
    facts = read_facts()
    runner = replace(make_runner(facts), builder=invoking_user(os.environ, euid=facts.euid))
    wish = Wish(
        output=output or Path("host.parquet"),
        seconds=seconds,
        command=command,
        environ=dict(os.environ),
        vmlinux=vmlinux,
    )
    info = record_here(runner, facts, config.record, wish)
    show(words["as_json"], info, f"{info['path']}\n{render_table_info(info)}")
