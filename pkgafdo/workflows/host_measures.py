"""Measuring this machine's running kernel with benchmarks, boot after boot."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.errors import ArtifactError, CommandError, ConfigError, HostError, WaitingError
from pkgafdo.host.bench_environment import read_boot, read_environment
from pkgafdo.measure.benches import bench_command, choose, own_bench, value_of
from pkgafdo.measure.benchmarker import read_log
from pkgafdo.measure.plan import next_kernel, read_plan
from pkgafdo.measure.records import (
    Boot,
    Record,
    Series,
    add_boot,
    drop_unfinished,
    read_record,
    write_record,
)
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pkgafdo.measure.benches import Bench
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `measure host` was asked for: names of benchmarks, an own command, repeats in this boot."""

    benches: tuple[str, ...] = ()
    command: str = ""
    repeats: int = 3
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A benchmark to run so often; done is how often this boot has run it already."""

    bench: Bench
    runs: int
    done: int = 0

    def series(self, values: Sequence[float]) -> Series:
        """Return the runs that were made."""
        return Series(
            unit=self.bench.unit,
            lower=self.bench.lower,
            command=" ".join(self.bench.argv),
            values=tuple(values),
            planned=self.done + self.runs,
        )


def record_path(folder: Path, kernel: str) -> Path:
    """Return the file that keeps a kernel's measurements."""
    return folder / f"{kernel}.json"


def measure_host(runner: Runner, order: Order, output: Path) -> Record:
    """Run the benchmarks on the running kernel and add this boot to the file, round by round.

    A boot that was interrupted goes on with the runs that it lacks. Raises HostError when none of the
    programs is installed, ConfigError when the folder cannot be written or the boot does not belong
    into the file, ArtifactError when all benchmarks fail.
    """
    boot_id, kernel = read_boot()
    record = read_record(output) if output.exists() else Record(pkgafdo=version())
    benches = _benches(order)
    installed = require_programs(runner, benches)
    tasks = _tasks(installed, record.boot(boot_id), order.repeats)
    boot = Boot(
        boot_id=boot_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        kernel=kernel,
        environment=read_environment(),
        series={task.bench.name: task.series(()) for task in tasks},
        asked=tuple(bench.name for bench in benches),
    )
    # What does not belong into the file is refused before the first minute is spent.
    add_boot(record, boot)
    with _scratch(order.folder) as folder, log.working():
        for series in run_rounds(runner, tasks, Path(folder)):
            kept = _after_round(record, boot, series)
            _keep(kept, output)
    return kept


def _after_round(record: Record, boot: Boot, series: Mapping[str, Series]) -> Record:
    """Return the record with what this boot has after a round; of what failed no runs are kept."""
    rest = drop_unfinished(record, boot.boot_id, boot.series.keys() - series.keys())
    return add_boot(rest, replace(boot, series=series)) if series else rest


def _keep(record: Record, output: Path) -> None:
    """Write the record; one of no boots leaves no file."""
    if record.boots:
        write_record(output, record)
    else:
        output.unlink(missing_ok=True)


def _benches(order: Order) -> tuple[Bench, ...]:
    return (own_bench(order.command),) if order.command else choose(order.benches)


def _tasks(benches: Sequence[Bench], boot: Boot | None, repeats: int) -> tuple[Task, ...]:
    """Return what is to be run: what an interrupted boot lacks, or else all repeats once more."""
    known = boot.series if boot else {}
    left = {bench.name: known[bench.name].left for bench in benches if bench.name in known}
    return tuple(
        Task(
            bench=bench,
            done=len(known[bench.name].values) if bench.name in known else 0,
            runs=left.get(bench.name) or repeats,
        )
        for bench in benches
        if not any(left.values()) or left.get(bench.name) != 0
    )


def _scratch(folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Return a new folder for what benchmarks write, inside the one that was named."""
    try:
        return tempfile.TemporaryDirectory(dir=folder, prefix="pkgafdo-bench-")
    except OSError as error:
        raise ConfigError(
            f"benchmarks cannot write into {folder or 'the temporary folder'}",
            details=str(error),
            hint="Name a folder of yours with --folder.",
        ) from error


def require_programs(runner: Runner, benches: Sequence[Bench]) -> tuple[Bench, ...]:
    """Return the benchmarks whose programs are installed; warn of the others.

    Raises HostError when there are none.
    """
    absent = [bench for bench in benches if runner.which(bench.argv[0]) is None]
    installed = tuple(bench for bench in benches if bench not in absent)
    programs = {bench.argv[0]: bench.packages for bench in absent}
    if not installed and len(programs) == 1:
        raise _absent(*programs.popitem())
    if not installed:
        raise HostError(
            "none of the benchmarks’ programs is installed",
            details="\n".join(": ".join(filter(None, pair)) for pair in programs.items()),
            hint="Install one of them, or name an own program with --command.",
        )
    for program, packages in programs.items():
        names = ", ".join(bench.name for bench in absent if bench.argv[0] == program)
        log.warn(f"{program} is not installed ({packages}), so {names} is left out")
    return installed


def _absent(program: str, packages: str) -> HostError:
    return HostError(
        f"{program} is not installed",
        hint=f"Install it ({packages})." if packages else "Name a program that is on your PATH.",
    )


def run_rounds(runner: Runner, tasks: Sequence[Task], folder: Path) -> Iterator[dict[str, Series]]:
    """Run each benchmark once a round, and yield after each round what there is.

    A benchmark that fails is left out from then on, with a warning. When none is left, nothing is
    yielded once more, and ArtifactError raised.
    """
    values: dict[str, list[float]] = {task.bench.name: [] for task in tasks}
    rounds = max(task.runs for task in tasks)
    for turn in range(rounds):
        for place, task in enumerate(tasks, 1):
            name = task.bench.name
            log.progress(
                f"round {turn + 1} of {rounds}, {place} of {len(tasks)}",
                detail=name,
                share=(turn * len(tasks) + place - 1) / (rounds * len(tasks)),
            )
            if name not in values or turn >= task.runs:
                continue
            try:
                result = runner.run(bench_command(task.bench, folder))
                values[name].append(value_of(task.bench, result))
            except (CommandError, ArtifactError) as error:
                log.warn(f"{name} is left out: {error.message}")
                del values[name]
        yield {
            task.bench.name: task.series(values[task.bench.name])
            for task in tasks
            if task.bench.name in values
        }
        if not values:
            raise ArtifactError("no benchmark gave a number", hint="See the warnings above.")


def take_turn(runner: Runner, order: Order, plan: Path) -> dict[str, Any]:
    """Measure the running kernel if it is its turn in a plan, then say which is next.

    Raises WaitingError that names the kernel to boot when it is another's turn, or this boot has been
    measured already.
    """
    sequence = read_plan(plan)
    boot_id, kernel = read_boot()
    wanted = {bench.name for bench in _benches(order)}
    due = next_kernel(sequence, boots_done(plan.parent, sequence, wanted))
    known = record_path(plan.parent, kernel)
    this = read_record(known).boot(boot_id) if kernel in sequence and known.exists() else None
    measured = this is not None and _counts(this, wanted)
    if this is not None and measured and any(this.left(name) for name in wanted):
        log.note("this boot was interrupted: it goes on with the runs that it lacks")
    elif due is None:
        return plan_state(order, plan)
    elif kernel != due or measured:
        raise WaitingError(
            f"it is the turn of {due}",
            details=f"{kernel} is running"
            + (", and was measured in this boot" if measured else ""),
            hint=f"Boot {due}, then run the same command again.",
        )
    measure_host(runner, order, known)
    return plan_state(order, plan)


def boots_done(folder: Path, sequence: Sequence[str], wanted: AbstractSet[str]) -> dict[str, int]:
    """Return how many boots of each kernel of a plan were asked for all of these benchmarks."""
    paths = {kernel: record_path(folder, kernel) for kernel in dict.fromkeys(sequence)}
    return {
        kernel: sum(_counts(boot, wanted) for boot in read_record(path).boots)
        if path.exists()
        else 0
        for kernel, path in paths.items()
    }


def _counts(boot: Boot, wanted: AbstractSet[str]) -> bool:
    """Tell whether a boot is one of a plan's; boots of imported logs do not tell what was asked."""
    return not boot.asked or wanted <= {*boot.asked}


def plan_state(order: Order, plan: Path) -> dict[str, Any]:
    """Return how far a plan is, JSON-plain: boots done and planned, the next kernel, the files."""
    sequence = read_plan(plan)
    done = boots_done(plan.parent, sequence, {bench.name for bench in _benches(order)})
    return {
        "done": done,
        "planned": {kernel: sequence.count(kernel) for kernel in done},
        "next": next_kernel(sequence, done),
        "files": {kernel: str(record_path(plan.parent, kernel)) for kernel in done},
    }


def import_logs(paths: Sequence[Path], *, kernel: str, output: Path) -> Record:
    """Add logs of cachyos-benchmarker to a file, one run each.

    Raises ConfigError when no kernel is named: the logs do not tell it reliably.
    """
    if not kernel:
        raise ConfigError(
            "whose measurements are these?", hint="Name the kernel's release with --kernel."
        )
    record = read_record(output) if output.exists() else Record(pkgafdo=version())
    for path in paths:
        boot = read_log(path, kernel=kernel)
        if any(old.boot_id == boot.boot_id for old in record.boots):
            log.note(f"{path} is in it already")
            continue
        record = add_boot(record, boot)
    write_record(output, record)
    return record
