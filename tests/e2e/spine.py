"""Killing a run once inside each of its stages, and looking at what it leaves and how it goes on."""

from __future__ import annotations

import re
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.files import read_json
from pkgafdo.runner import sessions
from tests.integration.cli.program import finished, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.program import Ended, Pkgafdo, Started

PATIENCE: Final = 1800
"""Seconds that a whole run may take: three kernel builds on two cores, with room."""
_ATTEMPTS: Final = 4
_INTO_PROGRAM: Final = {"source": 1.0, "install": 0.0, "record": 1.5, "measure": 1.5}
"""Seconds to let a stage work on after its program has started, by the first part of its name."""
_INTO_STAGE: Final = {"convert": 0.2, "layout": 0.2}
"""Seconds to let a stage work on after it has begun; what is in no table is killed at once."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One SIGKILL: the stage that it was meant for, whether it came in time, what it orphaned.

    orphans are leader and start time of the sessions of programs.
    """

    stage: str
    hit: bool
    orphans: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True)
class Spine:
    """One work folder and the command that brings it forward.

    compiled is the number of files after which a build has come into its middle, pace the share of
    the usual time that the other stages take.
    """

    pkgafdo: Pkgafdo
    work: Path
    arguments: tuple[object, ...] = ()
    compiled: int = 40
    pace: float = 1.0
    kills: list[Kill] = field(default_factory=list)

    def words(self, verb: str = "run", *more: object) -> tuple[object, ...]:
        """Return the command line of a verb in this folder."""
        return (verb, "--json", *self.arguments, "-w", self.work, *more)

    def run(self, verb: str = "run", *more: object) -> Ended:
        """Carry a verb out."""
        return self.pkgafdo.run(*self.words(verb, *more), timeout=PATIENCE)

    def stages(self, verb: str = "run") -> list[str]:
        """Return the names of a verb's stages, in order."""
        plan = self.pkgafdo.run(*self.words(verb, "--dry-run")).data()
        return [stage["stage"] for stage in plan["stages"]]

    def journal(self, stage: str) -> dict[str, Any]:
        """Return a stage's journal entry."""
        entry: dict[str, Any] = read_json(self.work / f"journal/{stage}.json")
        return entry

    def kill_inside_each(self, verb: str = "run") -> None:
        """Start the verb once for each stage, and kill it there; the last stage remains undone."""
        stages = self.stages(verb)
        for number, stage in enumerate(stages, 1):
            self.kills.append(self._kill_inside(verb, stage, f"{number}/{len(stages)} "))

    def _kill_inside(self, verb: str, stage: str, label: str) -> Kill:
        """Kill a run inside a stage; a stage that was over too fast is forgotten and tried again."""
        orphans: tuple[tuple[int, str], ...] = ()
        for _ in range(_ATTEMPTS):
            (self.work / f"journal/{stage}.json").unlink(missing_ok=True)
            log_size = len(self._log(stage))
            started = self.pkgafdo.start(*self.words(verb))
            self._wait_for_step(started, label)
            self._let_work(started, stage, log_size)
            orphans = self._running()
            started.signal(signal.SIGKILL)
            if stage not in finished(self.work):
                return Kill(stage=stage, hit=True, orphans=orphans)
        return Kill(stage=stage, hit=False, orphans=orphans)

    def _wait_for_step(self, started: Started, label: str) -> None:
        """Wait until the stage has begun: its line stands there, and does not say “done in”."""
        line = re.compile(rf"\] {re.escape(label)}(?!.*: done in).*\n")
        deadline = time.monotonic() + PATIENCE
        while not line.search(started.stderr):
            assert started.process.poll() is None, started.stderr
            assert time.monotonic() < deadline, f"{label} never began"
            time.sleep(0.003)
        self.require_no_orphans()

    def _let_work(self, started: Started, stage: str, log_size: int) -> None:
        """Let a long stage come into its middle."""

        def over() -> bool:
            return stage in finished(self.work) or started.process.poll() is not None

        kind = stage.partition("-")[0]
        if kind == "build":
            wait_until(
                lambda: over() or self._log(stage)[log_size:].count("\n  CC ") >= self.compiled,
                "it compiles",
                PATIENCE,
            )
        elif kind in _INTO_PROGRAM:
            wait_until(lambda: over() or bool(self._running()), "its program runs", 120)
            time.sleep(_INTO_PROGRAM[kind] * self.pace)
        else:
            time.sleep(_INTO_STAGE.get(kind, 0) * self.pace)

    def _log(self, stage: str) -> str:
        path = self.work / f"logs/{stage}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _running(self) -> tuple[tuple[int, str], ...]:
        """Return leader and start time of the sessions that the run has written down."""
        found = []
        for path in (self.work / "running").glob("*.json"):
            try:
                entry = read_json(path)
            except (OSError, ValueError):  # it has ended in this moment
                continue
            found.append((int(entry["pid"]), str(entry["start_time"])))
        return tuple(found)

    def require_no_orphans(self) -> None:
        """Fail when a program that a kill orphaned still lives; a stage begins only after their end."""
        for kill in self.kills:
            for leader, start in kill.orphans:
                if sessions.start_time(leader) in {None, start}:
                    assert sessions.members(leader) == [], f"{kill.stage} left {leader}"


def ratios(data: dict[str, Any], part: str, kernel: str, reference: str) -> dict[str, float]:
    """Return kernel ÷ reference of every metric of a part of the comparison."""
    return {
        metric: counts[kernel] / counts[reference]
        for metric, counts in data["measure"][part].items()
        if isinstance(counts, dict) and {kernel, reference} <= counts.keys()
    }
