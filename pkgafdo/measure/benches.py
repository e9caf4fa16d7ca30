"""Packaged benchmarks whose time is the kernel's: what they run, and where their number stands.

Each does a fixed amount of work, so that its number compares. perf bench, hackbench (rt-tests),
stress-ng, fio, dbench, netperf: manual pages of the same names.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pkgafdo.runner.command import Result

FOLDER: Final = "{folder}"
"""Stands in a benchmark's arguments for a scratch folder on the disk that is measured."""
ELAPSED: Final = "elapsed"
"""Instead of a pattern: the seconds that the program took."""
_TIMEOUT: Final = 900.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """One benchmark.

    pattern finds the number in its output (its first group), or is ELAPSED, or `json:` and a path
    of keys. lower tells that less is better; packages where its program comes from.
    """

    name: str
    argv: tuple[str, ...]
    pattern: str
    unit: str
    lower: bool = True
    packages: str = ""


_PERF: Final = "Arch: perf; Debian: linux-perf"
_SECONDS: Final = r"Total time: ([\d.]+) \[sec\]"
_HACKBENCH: Final = r"^Time: ([\d.]+)$"
_STRESS: Final = r"metrc: \[\d+\] {} +\d+ +([\d.]+) "


def _perf(name: str, *arguments: str) -> Bench:
    return Bench(
        name=name, argv=("perf", "bench", *arguments), pattern=_SECONDS, unit="s", packages=_PERF
    )


def _hackbench(name: str, *arguments: str) -> Bench:
    return Bench(
        name=name,
        argv=("hackbench", *arguments),
        pattern=_HACKBENCH,
        unit="s",
        packages="rt-tests",
    )


def _stress(stressor: str, operations: int, *more: str) -> Bench:
    return Bench(
        name=f"stress-{stressor}",
        argv=(
            "stress-ng", "--metrics-brief", "--seed", "7", "--temp-path", FOLDER,
            f"--{stressor}", "1", f"--{stressor}-ops", str(operations), *more,
        ),
        pattern=_STRESS.format(stressor),
        unit="s",
        packages="stress-ng",
    )  # fmt: skip


BENCHES: Final = (
    _perf("perf-syscall", "syscall", "basic", "--loop", "10000000"),
    _perf("perf-pipe", "sched", "pipe", "-l", "500000"),
    _perf("perf-messaging", "sched", "messaging", "-g", "10", "-l", "500"),
    Bench(
        name="perf-epoll", argv=("perf", "bench", "epoll", "wait", "-r", "8"),
        pattern=r"Averaged ([\d.]+) operations/sec", unit="operations/s", lower=False,
        packages=_PERF,
    ),
    _hackbench("hackbench-sockets", "-g", "10", "-l", "1000"),
    _hackbench("hackbench-pipes", "-g", "10", "-l", "1000", "-p", "-T"),
    _stress("fork", 20_000),
    _stress("mmap", 100, "--mmap-bytes", "4m"),
    _stress("dentry", 200_000),
    _stress("sock", 2_000),
    Bench(
        name="fio-read",
        argv=(
            "fio", "--name=read", f"--directory={FOLDER}", "--size=256m", "--io_size=4g",
            "--rw=randread", "--bs=4k", "--ioengine=psync", "--invalidate=0",
            "--output-format=json",
        ),
        pattern="json:jobs.0.read.runtime", unit="ms", packages="fio",
    ),
    Bench(
        name="dbench", argv=("dbench", "-D", FOLDER, "-t", "20", "4"),
        pattern=r"^Throughput ([\d.]+) MB/sec", unit="MB/s", lower=False, packages="dbench",
    ),
    Bench(
        name="netperf-rr",
        argv=("netperf", "-H", "127.0.0.1", "-t", "TCP_RR", "-l", "10", "-P", "0"),
        pattern=r"^\s*\d+\s+\d+\s+\d+\s+\d+\s+[\d.]+\s+([\d.]+)\s*$", unit="transactions/s",
        lower=False, packages="netperf; start netserver first",
    ),
)  # fmt: skip


def own_bench(command: str) -> Bench:
    """Return the benchmark of a user's own command: the seconds that it takes."""
    try:
        argv = tuple(shlex.split(command))
    except ValueError as error:
        raise ConfigError(
            f"“{command}” is not a command: {error}", hint="Quote it as for a shell."
        ) from error
    if not argv:
        raise ConfigError("the command is empty", hint="Name a program.")
    return Bench(name="own", argv=argv, pattern=ELAPSED, unit="s")


def choose(names: Sequence[str]) -> tuple[Bench, ...]:
    """Return the benchmarks of these names; all when none is named."""
    known = {bench.name: bench for bench in BENCHES}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"there is no benchmark “{unknown[0]}”", hint=f"There are: {', '.join(known)}."
        )
    return tuple(known[name] for name in names) or BENCHES


def bench_command(bench: Bench, folder: Path) -> Command:
    """Return the command of one run of a benchmark."""
    return Command(
        argv=tuple(word.replace(FOLDER, str(folder)) for word in bench.argv),
        cwd=folder,
        timeout=_TIMEOUT,
        hint=f"Install it ({bench.packages})." if bench.packages else "",
    )


def value_of(bench: Bench, result: Result) -> float:
    """Return the number of one run. Raises ArtifactError when the output has none."""
    if bench.pattern == ELAPSED:
        return result.seconds
    if bench.pattern.startswith("json:"):
        return _from_json(bench, result.stdout)
    # stress-ng speaks on stderr.
    match = re.search(bench.pattern, f"{result.stdout}\n{result.stderr}", re.MULTILINE)
    if match is None:
        raise _speechless(bench, result.stdout + result.stderr)
    return _positive(bench, float(match[1]))


def _from_json(bench: Bench, text: str) -> float:
    try:
        # fio may write notes before its JSON.
        value: Any = json.loads(text[text.index("{") :])
        for key in bench.pattern.removeprefix("json:").split("."):
            value = value[int(key)] if key.isdigit() else value[key]
        return _positive(bench, float(value))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _speechless(bench, text) from error


def _positive(bench: Bench, value: float) -> float:
    if value <= 0:
        raise ArtifactError(
            f"{bench.name} gave {value} {bench.unit}", hint="Its work is too small for its clock."
        )
    return value


def _speechless(bench: Bench, text: str) -> ArtifactError:
    return ArtifactError(
        f"the output of {bench.name} has no number where it should",
        details="\n".join(text.splitlines()[-10:]),
        hint="Is it another version of the program? Leave the benchmark out with --bench.",
    )
