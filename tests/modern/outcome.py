"""What a run found: versions of programs, and how each step ended."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES: Final = {
    "python": ("Python", ("python3", "--version")),
    "pacman": ("pacman", ("pacman", "--version")),
    "libalpm": ("libalpm", ("pacman", "--version")),
    "pyalpm": ("pyalpm", (".venv/bin/python", "-c", "import pyalpm; print(pyalpm.version())")),
    "makepkg": ("makepkg", ("makepkg", "--version")),
    "llvm": ("LLVM", (".venv/bin/pkgafdo", "doctor", "--json")),
    "gcc": ("GCC", ("gcc", "--version")),
    "qemu": ("QEMU", ("qemu-system-x86_64", "--version")),
    "perf": ("perf", ("perf", "--version")),
}
"""Programs whose versions are reported: heading, and the command that tells."""
_PATTERNS: Final = {
    "pacman": re.compile(r"Pacman v([\d.]+)"),
    "libalpm": re.compile(r"libalpm v([\d.]+)"),
    "llvm": re.compile(r"(\d+\.\d+\.\d+) \(make LLVM="),
    "gcc": re.compile(r"(\d+\.\d+\.\d+)$", re.MULTILINE),
}
_ANY: Final = re.compile(r"(\d+(?:\.\d+)+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a step ended; passed, failed and skipped count the tests of one that runs tests.

    commit is the checkout that was tested, with a plus sign when it had changes; empty: not on record.
    """

    step: str
    ok: bool
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""
    commit: str = ""

    def text(self) -> str:
        """Return the outcome as a cell of the table."""
        if self.passed or self.failed:
            parts = [f"{self.passed} passed"]
            parts += [f"**{self.failed} failed**"] if self.failed else []
            parts += [f"{self.skipped} skipped"] if self.skipped else []
            return ", ".join(parts)
        return self.note or ("passed" if self.ok else "**failed**")


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """One system: its name, the day, the versions of its programs, the outcomes of the steps.

    commit is the newest of the outcomes'.
    """

    system: str
    day: str
    versions: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    commit: str = ""

    @property
    def ok(self) -> bool:
        """Whether every step passed."""
        return all(outcome.ok for outcome in self.outcomes)


def merge(old: Findings | None, new: Findings) -> Findings:
    """Return new findings with the old outcomes of steps that were not run again.

    Those of other versions are left out; those of another commit keep its name.
    """
    if old is None or (old.system, old.versions) != (new.system, new.versions):
        return new
    again = {outcome.step: outcome for outcome in new.outcomes}
    kept = {outcome.step: outcome for outcome in old.outcomes}
    return replace(new, outcomes=tuple((kept | again).values()))


def parse_version(name: str, text: str) -> str:
    """Return the version in what a program said of itself, or a dash; pure."""
    found = _PATTERNS.get(name, _ANY).search(text)
    return found[1] if found else "–"


def parse_junit(text: str) -> tuple[int, int, int, tuple[str, ...]]:
    """Return passed, failed and skipped tests of a JUnit report, and the failed ones' names; pure."""
    suite = ET.fromstring(text)
    cases = list(suite.iter("testcase"))
    broken = [case for case in cases if {"failure", "error"} & {child.tag for child in case}]
    skipped = [case for case in cases if case.find("skipped") is not None and case not in broken]
    names = tuple(f"{case.get('classname')}::{case.get('name')}" for case in broken)
    return len(cases) - len(broken) - len(skipped), len(broken), len(skipped), names


def to_json(tested: Findings) -> dict[str, Any]:
    """Return what was found as a JSON-plain object."""
    return asdict(tested)


def from_json(data: Mapping[str, Any]) -> Findings:
    """Return what an earlier run found."""
    outcomes = tuple(Outcome(**outcome) for outcome in data["outcomes"])
    return Findings(**{**data, "outcomes": outcomes})
