"""What the verb `record` can do besides bringing a run forward: record now, this machine or a VM."""

from __future__ import annotations

import difflib
import functools
import os
import shlex
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from pkgafdo.cli.options import NumberRange, open_terminal, read_config, show
from pkgafdo.cli.record_vm import record_vm

_HELP = """Record branches: for a run, or of a command, now.

    By itself, go on with the run until branches are recorded (record.road says where). With --host, perf
    records the running kernel into a table for `pkgafdo profile convert`: while COMMAND runs, for some
    time, or until Ctrl-C. With --vm, COMMAND runs in a VM on the run's baseline kernel, with this machine's
    programs and files, and the virtual LBR counts.
    """


def _complete_word(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the verb below this one, as the first word."""
    first = not any(ctx.params.get(name) for name in ("command", "host", "vm"))
    return [CompletionItem("service")] if first and "service".startswith(incomplete) else []


_OPTIONS = (
    click.Option(
        ["--host"], is_flag=True, help="Record the running kernel, now, outside of a run."
    ),
    click.Option(["--vm"], is_flag=True, help="Record COMMAND in a VM, now (needs virtme-ng)."),
    click.Option(
        ["--seconds"],
        type=NumberRange(min=1),
        help="End after so many seconds (with --host or --vm).",
    ),
    click.Option(
        ["-o", "--output"],
        type=click.Path(path_type=Path),
        help="The table to write, a new file; default: host.parquet or vm.parquet here (with --host or "
        "--vm).",
    ),
    click.Option(
        ["--kernel"],
        type=click.Path(path_type=Path),
        help="A kernel's image to boot, in place of the run's; its --vmlinux goes with it (with --vm).",
    ),
    click.Option(
        ["--vmlinux"],
        type=click.Path(path_type=Path),
        help="The kernel, uncompressed; default: where packages put the running one (with --host).",
    ),
    click.Option(
        ["--keep-perf-data"],
        is_flag=True,
        help="Also keep what perf wrote, beside the table (record.keep_perf_data).",
    ),
    click.Argument(["command"], nargs=-1, type=click.UNPROCESSED, shell_complete=_complete_word),
)


class RecordVerb(click.Group):
    """The verb, which takes any command as its words, and has `service` below it."""

    allow_interspersed_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words; an unknown option among them may be the command's."""
        now = not {"--host", "--vm"}.isdisjoint(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if not now:
                raise
            said = error.format_message().rstrip(".")
            raise click.UsageError(
                f"{said}. If it is COMMAND's, put `--` before COMMAND.", ctx=ctx
            ) from error

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what the usage shows: the words are a command to record."""
        return click.Command.collect_usage_pieces(self, ctx)


def with_host(base: click.Command) -> click.Command:
    """Add recording this machine to the verb that records for a run."""
    go_on = base.callback
    assert go_on is not None  # noqa: S101  a verb has a function

    @functools.wraps(go_on)
    def verb(
        *,
        host: bool,
        vm: bool,
        keep_perf_data: bool,
        command: tuple[str, ...],
        **words: Any,  # noqa: ANN401  those of the verb that records for a run
    ) -> Any:  # noqa: ANN401
        if keep_perf_data:
            words["overrides"] = (*words["overrides"], "record.keep_perf_data=true")
        now = {name: words.pop(name) for name in ("seconds", "output", "kernel", "vmlinux")}
        if not (host or vm):
            _require_none(command, now)
            return go_on(**words)
        _require_fitting(host, vm, command, now, words)
        open_terminal(quiet=words["quiet"], verbose=words["verbose"])
        if vm:
            record_vm(Path.cwd(), command, now, words)
        else:
            _record(now["seconds"], now["output"], now["vmlinux"], command, words)
        return None

    base.callback = verb
    base.help = _HELP
    base.params = [*base.params, *_OPTIONS]
    return base


def _require_none(command: tuple[str, ...], now: dict[str, Any]) -> None:
    """Raise UsageError for words that only recording now takes."""
    if command and difflib.get_close_matches(command[0], ["service"]):
        rest = shlex.join(("service", *command[1:]))
        raise click.UsageError(f"Did you mean `pkgafdo record {rest}`?")
    if command:
        raise click.UsageError(
            f"“{command[0]}” is a command to record: "
            f"`pkgafdo record --host -- {shlex.join(command)}`, or --vm in place of --host."
        )
    if given := [f"--{name}" for name, value in now.items() if value is not None]:
        raise click.UsageError(f"{', '.join(given)}: only with --host or --vm, which record now.")


def _require_fitting(
    host: bool, vm: bool, command: tuple[str, ...], now: dict[str, Any], words: dict[str, Any]
) -> None:
    """Raise UsageError for options that do not go together."""
    if host and vm:
        raise click.UsageError("--host and --vm are two roads: choose one.")
    if words["dry_run"]:
        raise click.UsageError("--host and --vm record at once; --dry-run belongs to a run.")
    if vm and not command:
        raise click.UsageError("--vm needs a command: pkgafdo record --vm -- COMMAND")
    if host and now["kernel"] is not None:
        raise click.UsageError("--kernel belongs to --vm: --host records the kernel that runs.")


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
