"""Print what a finished run cost: seconds per stage, our own share of them, start-up, recording."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.cli.options import read_config
from pkgafdo.errors import ConfigError, PkgafdoError
from pkgafdo.host.facts import read_facts
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.pipeline.workdir import locked, require_workdir
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from pkgafdo.vm.lbr import boot_of, plugin_of
from pkgafdo.vm.qemu import run_boot
from pkgafdo.vm.suites import suite_of
from pkgafdo.workflows.guest import guest_needs, native_of, prepared
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.session import open_session

if TYPE_CHECKING:
    from pkgafdo.config.model import Config
    from pkgafdo.pipeline.workdir import Workdir
    from pkgafdo.runner.base import Runner
    from pkgafdo.vm.lbr import Guest
    from pkgafdo.workflows.session import Session

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PKGAFDO: Final = (sys.executable, "-P", "-m", "pkgafdo")
BOOTS: Final = 3
STARTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the run was told beside its work folder."""

    source: str | None
    overrides: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        """Return the options for a command line."""
        source = ("--source", self.source) if self.source else ()
        return (*source, *(word for text in self.overrides for word in ("--set", text)))

    def config(self) -> Config:
        """Return the configuration that they make."""
        return read_config(None, self.source, self.overrides)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One number: what it is, its value, and the most that it should be."""

    name: str
    value: float | None
    unit: str = "s"
    limit: float | None = None
    note: str = ""

    def render(self) -> str:
        """Return the line as text; a number beyond its limit is marked."""
        value = "      –" if self.value is None else f"{self.value:7.2f}"
        text = f"{self.name:<44s}{value} {self.unit:<2s}"
        if self.limit is not None:
            over = self.value is not None and self.value > self.limit
            text += f"  {'OVER' if over else '  ≤ '} {self.limit:g} {self.unit}"
        return f"{text}  {self.note}".rstrip()


def stage_lines(workdir: Workdir) -> list[Line]:
    """Return the seconds of each stage and of all, and of pkgafdo's own share of them."""
    stages = [json.loads(path.read_text()) for path in workdir.journal.folder.glob("*.json")]
    stages.sort(key=lambda stage: str(stage["started"]))
    lines = [Line(name=f"stage {one['stage']}", value=one["seconds"]) for one in stages]
    total = sum(float(stage["seconds"]) for stage in stages)
    lines.append(Line(name="all stages", value=total, limit=1200, note="downloads included"))
    return [*lines, _own_line(stages)]


def _own_line(stages: list[dict[str, Any]]) -> Line:
    """Return what is not spent in other programs, where the journal tells it of every stage."""
    name = "of that in pkgafdo itself"
    if any("program_seconds" not in stage for stage in stages):
        return Line(name=name, value=None, limit=10, note="the journal tells no program_seconds")
    own = sum(stage["seconds"] - stage["program_seconds"] for stage in stages)
    return Line(name=name, value=own, limit=10)


def best(runner: Runner, command: Command, times: int) -> float:
    """Return the shortest of several runs of a command, in seconds."""
    return min(runner.query(command).seconds for _ in range(times))


def start_lines(runner: Runner, workdir: Workdir, options: Options) -> list[Line]:
    """Return how long the help text takes, and a run that has nothing to do."""
    folder = ("--workdir", str(workdir.path), *options.words())
    plan = runner.query(Command(argv=(*PKGAFDO, "plan", "--json", *folder), cwd=CHECKOUT))
    left = [one["title"] for one in json.loads(plan.stdout)["stages"] if one["verdict"] != "reuse"]
    if left:
        raise ConfigError(
            f"the run in {workdir.path} is not finished",
            details="\n".join(left),
            hint="Finish it with `pkgafdo run`; give its options here too.",
        )
    again = Command(argv=(*PKGAFDO, "run", "--json", *folder), cwd=CHECKOUT)
    return [
        Line(
            name=f"pkgafdo --help, best of {STARTS}", limit=0.3,
            value=best(runner, Command(argv=(*PKGAFDO, "--help")), STARTS),
        ),
        Line(name="a second complete run", value=best(runner, again, 1), limit=3),
    ]  # fmt: skip


def recording_lines(session: Session) -> list[Line]:
    """Boot the baseline kernel with the training suite, in turns without and with the virtual LBR."""
    suite = suite_of(session.config.workload)
    native = native_of(session)
    entries = session.workdir.journal.read()
    inputs = Inputs(needs=guest_needs(Round.BASELINE), entries=entries)
    plain, recorded = [], []
    with prepared(session, inputs, Round.BASELINE, suite, native) as guest:
        plugin = plugin_of(native, guest, "record", guest.folder / "bench.vlbr")
        for _ in range(BOOTS):
            plain.append(_boot_seconds(session, guest, ""))
            recorded.append(_boot_seconds(session, guest, plugin))
    return [
        Line(name=f"boot with “{suite.name}”, best of {BOOTS}", value=min(plain)),
        Line(name="the same under the virtual LBR", value=min(recorded)),
        Line(
            name="recording slows TCG by", value=min(recorded) / min(plain), unit="×", limit=1.5
        ),
    ]  # fmt: skip


def _boot_seconds(session: Session, guest: Guest, plugin: str) -> float:
    started = time.perf_counter()
    run_boot(session.runner, session.config.vm, boot_of(guest, plugin), guest.suite)
    return time.perf_counter() - started


def unit_test_line(runner: Runner) -> Line:
    """Return how long the unit tests take."""
    tests = Command(argv=(str(CHECKOUT / "scripts/test-unit"),))
    return Line(name="unit tests", value=best(runner, tests, 1), limit=15)


def measure(path: Path, options: Options) -> None:
    """Print the lines as they come; the last ones take minutes."""
    workdir = require_workdir(path)
    host = read_facts()
    runner = LocalRunner(env=host.environment)
    show(stage_lines(workdir))
    show(start_lines(runner, workdir, options))
    with locked(path) as held:
        show(recording_lines(open_session(options.config(), host, held)))
    show([unit_test_line(runner)])


def show(lines: list[Line]) -> None:
    """Print lines at once."""
    print("\n".join(line.render() for line in lines), flush=True)


def main() -> int:
    """Read the command line and measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bench-spine", description=__doc__)
    parser.add_argument("workdir", type=Path, help="the work folder of a finished run")
    parser.add_argument("--source", help="as the run was given it")
    parser.add_argument("--set", action="append", default=[], help="as the run was given it")
    given = parser.parse_args()
    options = Options(source=given.source, overrides=tuple(given.set))
    try:
        measure(given.workdir.resolve(), options)
    except PkgafdoError as error:
        print(
            "\n".join(part for part in (error.message, error.details, error.hint) if part),
            file=sys.stderr,
        )
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
