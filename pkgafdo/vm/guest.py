"""The two ends of the conversation with the guest: what it runs, and what it reports."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.branches.meta import ModuleMapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.vm.suites import Suite

_TROUBLE: Final = re.compile(
    r"Kernel panic|\bBUG: |kernel BUG at |\bOops[: ]|general protection fault|Unable to mount root|"
    r"Out of memory: Killed"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What the guest said: its release, each step's exit status by number (from 1), its modules.

    unprepared holds the numbers of steps whose preparation failed, refused the modules that the
    kernel did not take; finished tells whether it came to its end.
    """

    release: str
    statuses: dict[int, int]
    unprepared: tuple[int, ...]
    refused: tuple[str, ...]
    modules: tuple[ModuleMapping, ...]
    finished: bool


def step_files(suite: Suite, step_timeout: int) -> Iterator[tuple[str, str]]:
    """Yield (path in the guest, text) of the scripts that the guest's init reads."""
    for number, step in enumerate(suite.steps, 1):
        yield f"steps/{number}.prepare", (step.prepare or ":") + "\n"
        yield f"steps/{number}.script", step.script + "\n"
    lines = [f"run {number} {step_timeout}" for number in range(1, len(suite.steps) + 1)]
    yield "steps/all", "\n".join(lines) + "\n"


def parse_report(text: str) -> Report:
    """Read what the guest wrote to its second serial port; pure. Other or broken lines are passed over."""
    statuses: dict[int, int] = {}
    unprepared: list[int] = []
    refused: list[str] = []
    sizes: dict[str, int] = {}
    sections: dict[str, list[tuple[str, int]]] = {}
    bases: dict[str, int] = {}
    release, finished = "", False
    for line in text.replace("\r", "").splitlines():
        # A killed guest, or a workload that writes there too, may leave broken numbers.
        with suppress(ValueError):
            match line.split():
                case ["pkgafdo:", "release", release]:
                    pass
                case ["pkgafdo:", "step", number, status]:
                    statuses[int(number)] = int(status)
                case ["pkgafdo:", "unprepared", number, _]:
                    unprepared.append(int(number))
                case ["pkgafdo:", "refused", name]:
                    refused.append(name)
                case ["pkgafdo:", "module", name, size, address]:
                    sizes[name], bases[name] = int(size), int(address, 16)
                case ["pkgafdo:", "section", name, section, address]:
                    sections.setdefault(name, []).append((section, int(address, 16)))
                case ["pkgafdo:", "done"]:
                    finished = True
    return Report(
        release=release,
        statuses=statuses,
        unprepared=tuple(unprepared),
        refused=tuple(refused),
        modules=tuple(
            ModuleMapping(
                name=name,
                # A kernel that hides sections still tells where the text area begins.
                sections=tuple(sections.get(name, ())) or ((".text", bases[name]),),
                size=size,
            )
            for name, size in sizes.items()
        ),
        finished=finished,
    )


def find_trouble(console: str) -> tuple[str, ...]:
    """Return the console lines in which the guest's kernel says that something broke."""
    return tuple(line.strip() for line in console.splitlines() if _TROUBLE.search(line))
