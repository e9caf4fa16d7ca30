"""Measuring: the run's own counts in the VM, and this machine's kernels by benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pkgafdo.cli.boot_options import Boot, booting, keep_turning
from pkgafdo.cli.options import common, configured, in_workdir, read_config, show, workdir_path
from pkgafdo.cli.run_verbs import RUN_VERBS
from pkgafdo.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from pkgafdo.workflows.host_measures import Order

PATH = click.Path(path_type=Path)
_COUNTING = next(verb for verb in RUN_VERBS if verb.name == "measure")
_FOLDER = Path("pkgafdo-measurements")


def _folder(workdir: Path | None) -> Path:
    """Return where measurements go: into a run's folder, whose report then shows them, or here."""
    from pkgafdo.workflows.report_machine import FOLDER

    return _FOLDER if workdir is None else workdir_path(workdir) / FOLDER


def _count_unless_more_was_said(**words: Any) -> None:  # noqa: ANN401  as the verb takes them
    """Go on to the run's counts when no further verb was given."""
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        context.invoke(_COUNTING, **words)
        return
    given = click.core.ParameterSource.COMMANDLINE
    if any(context.get_parameter_source(name) is given for name in words):
        raise ConfigError(
            f"options of “measure {context.invoked_subcommand}” stand behind its name",
            hint=f"Write pkgafdo measure {context.invoked_subcommand} and then the options.",
        )


measure_group = click.Group(
    "measure",
    params=_COUNTING.params,
    callback=_count_unless_more_was_said,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",
    help=(_COUNTING.help or "")
    + " The commands below measure this machine's own kernels by benchmarks instead.",
)


@measure_group.command("repeat", help="Count a run's kernels again, and say whether counts agree.")
@click.option("--times", type=click.IntRange(1, 100), default=1, show_default=True,
              help="How many times more.")  # fmt: skip
@in_workdir
@configured
@common
def measure_repeat(
    times: int,
    workdir: Path | None,
    config_file: Path | None,
    source: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Boot every counted kernel again; exit 5 when a count differs."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pipeline.workdir import locked, require_workdir
    from pkgafdo.workflows.autofdo import autofdo_stages
    from pkgafdo.workflows.repeat import repeat_counts, wishes_of
    from pkgafdo.workflows.session import open_session

    path = workdir_path(workdir)
    entries = require_workdir(path).journal.read()
    config = read_config(config_file, source, (*wishes_of(entries), *overrides))
    with locked(path) as folder:
        stages = autofdo_stages(open_session(config, read_facts(), folder))
        data = repeat_counts(stages, folder.journal.read(), times, path)
    show(as_json, data, data["says"])
    if not all(row["equal"] for row in data["rows"]):
        raise ArtifactError("counts that should repeat do not", hint="See the lines above.")


@measure_group.command("host", help="Run benchmarks on the running kernel, and keep this boot.")
@click.option(
    "--bench", "benches", multiple=True, metavar="NAME", help="Only this; may be repeated."
)
@click.option("--command", default="", help="An own program instead, timed as a whole.")
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Runs of each in this boot; they are averaged.",
)
@click.option("--folder", type=PATH, help="Where benchmarks write files; default: the system's.")
@click.option("--plan", type=PATH, help="Measure only when it is this kernel's turn in a plan.")
@click.option("-o", "--output", type=PATH, help="File to add to; default: named by the kernel.")
@booting
@in_workdir
@common
def measure_host(
    *,
    benches: tuple[str, ...],
    command: str,
    repeats: int,
    folder: Path | None,
    plan: Path | None,
    output: Path | None,
    boot: Boot,
    workdir: Path | None,
    as_json: bool,
) -> None:
    """Measure, and print what the file now holds."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.workflows import host_measures
    from pkgafdo.workflows.session import make_runner

    if benches and command:
        raise ConfigError("--bench and --command are two wishes", hint="Leave one of them out.")
    if plan is None and (boot.reboot or boot.go_on):
        raise ConfigError(
            "without a plan no kernel is next",
            hint="Name one with --plan, or leave the reboot out.",
        )
    host = read_facts()
    order = host_measures.Order(
        benches=benches, command=command, repeats=repeats, folder=folder and folder.absolute()
    )
    if plan is not None:
        _follow_plan(order, plan.absolute(), boot, as_json=as_json)
        return
    target = output or host_measures.record_path(_folder(workdir), host.release)
    record = host_measures.measure_host(make_runner(host), order, target)
    data = {"path": str(target), "kernel": host.release, "boots": len(record.boots)}
    boots = len(record.boots)
    show(as_json, data, f"{target}: {boots} boot{'s' * (boots != 1)} of {host.release}")


def _follow_plan(order: Order, plan: Path, boot: Boot, *, as_json: bool) -> None:
    """Measure if it is the running kernel's turn in a plan, and print how far the plan is."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.workflows.host_measures import plan_state
    from pkgafdo.workflows.plan_boots import require_unattended, take_turns
    from pkgafdo.workflows.session import make_runner

    host = read_facts()
    runner = make_runner(host)
    if boot.go_on and plan_state(order, plan)["next"]:
        if boot.reboot:
            require_unattended(runner, runner.root)
        keep_turning(runner, host, plan, ended=False)
    state = take_turns(runner, order, plan, reboot=boot.reboot)
    if not state["next"]:
        keep_turning(runner, host, plan, ended=True)
    then = f"next: boot {state['next']}" if state["next"] else "the plan is done"
    rows = [
        f"{kernel}: {n} of {state['planned'][kernel]} boots" for kernel, n in state["done"].items()
    ]
    show(as_json, state, "\n".join([*rows, then]))


@measure_group.command("plan", help="Plan interleaved boots of two kernels (A B B A …).")
@click.argument("first")
@click.argument("second")
@click.option(
    "--boots",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Boots of each kernel.",
)
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="The plan; measurements go beside it.",
)
@in_workdir
@common
def measure_plan(
    first: str, second: str, boots: int, output: Path | None, workdir: Path | None, as_json: bool
) -> None:
    """Write the plan; FIRST and SECOND are kernel releases as `uname -r` prints them."""
    from pkgafdo.measure.plan import interleaved, read_plan, write_plan

    output = output or _folder(workdir) / "plan.json"
    order = interleaved(first, second, boots)
    if output.exists() and read_plan(output) != order:
        raise ConfigError(
            f"{output} holds another plan", hint="Remove it, or name another file with --output."
        )
    write_plan(output, order)
    _warn_of_plan((first, second), boots)
    text = (
        f"{output}: {len(order)} boots, beginning with {order[0]}\n"
        f"in each: pkgafdo measure host --plan {output}"
    )
    show(as_json, {"path": str(output), "order": list(order)}, text)


def _warn_of_plan(releases: tuple[str, ...], boots: int) -> None:
    """Say what a plan cannot come to on this machine as it is."""
    from pkgafdo import log
    from pkgafdo.host.installed import is_installed
    from pkgafdo.measure.statistics import FEWEST_BOOTS

    if boots < FEWEST_BOOTS:
        log.warn(
            f"below {FEWEST_BOOTS} boots of each kernel there is no verdict, and this plans {boots}"
        )
    for release in releases:
        if not is_installed(Path("/"), release):
            log.warn(f"{release} is not installed here: /usr/lib/modules/{release} has no kernel")


@measure_group.command("import", help="Take over logs of cachyos-benchmarker (benchie_*.log).")
@click.argument("logs", nargs=-1, required=True, type=PATH)
@click.option("--kernel", default="", help="The kernel's release that they were made on.")
@click.option("-o", "--output", type=PATH, required=True, help="File to add to.")
@common
def measure_import(logs: tuple[Path, ...], kernel: str, output: Path, as_json: bool) -> None:
    """Add the logs, and say what they are worth."""
    from pkgafdo.measure.statistics import FEWEST_BOOTS
    from pkgafdo.workflows.host_measures import import_logs

    record = import_logs(logs, kernel=kernel, output=output)
    runs = len(record.boots)
    text = f"{output}: {runs} run{'s' * (runs != 1)} of {kernel}"
    if runs < FEWEST_BOOTS:
        text += f"\nfor a verdict there must be {FEWEST_BOOTS}, each in a boot of its own"
    show(as_json, {"path": str(output), "kernel": kernel, "boots": runs}, text)


@measure_group.command("compare", help="Compare two kernels' machine measurements.")
@click.argument("before", type=PATH)
@click.argument("after", type=PATH)
@click.option("--anyway", is_flag=True, help="Also when they are of different machines.")
@common
def measure_compare(before: Path, after: Path, anyway: bool, as_json: bool) -> None:
    """Print ratio, interval and verdict of each benchmark."""
    from pkgafdo.measure.records import read_record
    from pkgafdo.measure.sides import compare_records, render_comparison

    data = compare_records(read_record(before), read_record(after), anyway=anyway)
    show(as_json, data, render_comparison(data))


MEASURE_VERBS: tuple[click.Command, ...] = (measure_group,)
