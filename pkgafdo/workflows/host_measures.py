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
    read_record,
    write_record,
)
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.measure.benches import Bench
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `measure host` was asked for: names of benchmarks, an own command, repeats in this boot."""

    benches: tuple[str, ...] = ()
    command: str = ""
    repeats: int = 3
    folder: Path | None = None


def record_path(folder: Path, kernel: str) -> Path:
    """Return the file that keeps a kernel's measurements."""
    return folder / f"{kernel}.json"


def measure_host(runner: Runner, order: Order, output: Path) -> Record:
    """Run the benchmarks on the running kernel and add this boot to the file.

    Raises HostError when none of their programs is installed, ConfigError when the folder cannot be
    written or the boot does not belong into the file.
    """
    boot_id, kernel = read_boot()
    record = read_record(output) if output.exists() else Record(pkgafdo=version())
    benches = (own_bench(order.command),) if order.command else choose(order.benches)
    installed = require_programs(runner, benches)
    boot = Boot(
        boot_id=boot_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        kernel=kernel,
        environment=read_environment(),
        series={bench.name: _series(bench, ()) for bench in installed},
    )
    # What does not belong into the file is refused before the first minute is spent.
    add_boot(record, boot)
    with _scratch(order.folder) as folder:
        series = run_benches(runner, installed, Path(folder), order.repeats)
    if not series:
        raise ArtifactError("no benchmark gave a number", hint="See the warnings above.")
    record = add_boot(record, replace(boot, series=series))
    write_record(output, record)
    return record


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


def _series(bench: Bench, values: Sequence[float]) -> Series:
    return Series(
        unit=bench.unit, lower=bench.lower, command=" ".join(bench.argv), values=tuple(values)
    )


def require_programs(runner: Runner, benches: Sequence[Bench]) -> tuple[Bench, ...]:
    """Return the benchmarks whose programs are installed; warn of the others.

    Raises HostError when there are none.
    """
    absent = [bench for bench in benches if runner.which(bench.argv[0]) is None]
    for program in dict.fromkeys(bench.argv[0] for bench in absent):
        left = [bench for bench in absent if bench.argv[0] == program]
        names = ", ".join(bench.name for bench in left)
        log.warn(f"{program} is not installed ({left[0].packages}), so {names} is left out")
    installed = tuple(bench for bench in benches if bench not in absent)
    if not installed:
        raise HostError(
            "none of the benchmarks’ programs is installed",
            details="\n".join(f"{bench.argv[0]}: {bench.packages}" for bench in absent),
            hint="Install one of them, or name an own program with --command.",
        )
    return installed


def run_benches(
    runner: Runner, benches: Sequence[Bench], folder: Path, repeats: int
) -> dict[str, Series]:
    """Run each benchmark so many times, round by round; one that fails is left out with a warning."""
    values: dict[str, list[float]] = {bench.name: [] for bench in benches}
    with log.working():
        for turn in range(repeats):
            for place, bench in enumerate(benches, 1):
                log.progress(
                    f"round {turn + 1} of {repeats}, {place} of {len(benches)}",
                    detail=bench.name,
                    share=(turn * len(benches) + place - 1) / (repeats * len(benches)),
                )
                if len(values[bench.name]) < turn:
                    continue  # it failed before
                try:
                    result = runner.run(bench_command(bench, folder))
                    values[bench.name].append(value_of(bench, result))
                except (CommandError, ArtifactError) as error:
                    log.warn(f"{bench.name} is left out: {error.message}")
    return {
        bench.name: _series(bench, values[bench.name])
        for bench in benches
        if len(values[bench.name]) == repeats
    }


def take_turn(runner: Runner, order: Order, plan: Path) -> dict[str, Any]:
    """Measure the running kernel if it is its turn in a plan, then say which is next.

    Raises WaitingError that names the kernel to boot when it is another's turn, or this boot has been
    measured already.
    """
    sequence = read_plan(plan)
    folder = plan.parent
    boot_id, kernel = read_boot()
    due = next_kernel(sequence, boots_done(folder, sequence))
    if due is None:
        return _state(folder, sequence)
    known = record_path(folder, kernel)
    fresh = not known.exists() or all(b.boot_id != boot_id for b in read_record(known).boots)
    if kernel != due or not fresh:
        raise WaitingError(
            f"it is the turn of {due}",
            details=f"{kernel} is running" + ("" if fresh else ", and was measured in this boot"),
            hint=f"Boot {due}, then run the same command again.",
        )
    measure_host(runner, order, known)
    return _state(folder, sequence)


def boots_done(folder: Path, sequence: Sequence[str]) -> dict[str, int]:
    """Return how many boots of each kernel of a plan were measured."""
    paths = {kernel: record_path(folder, kernel) for kernel in dict.fromkeys(sequence)}
    return {
        kernel: len(read_record(path).boots) if path.exists() else 0
        for kernel, path in paths.items()
    }


def _state(folder: Path, sequence: Sequence[str]) -> dict[str, Any]:
    done = boots_done(folder, sequence)
    return {
        "done": done,
        "planned": {kernel: sequence.count(kernel) for kernel in done},
        "next": next_kernel(sequence, done),
        "files": {kernel: str(record_path(folder, kernel)) for kernel in done},
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
