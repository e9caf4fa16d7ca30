"""The table of what was run on what: for the terminal, and as the README's block."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import ArtifactError
from tests.modern.arguments import SUITES
from tests.modern.outcome import NAMES, Findings, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEGIN: Final = "<!-- made by scripts/test-modern --readme: begin -->"
END: Final = "<!-- made by scripts/test-modern --readme: end -->"
_BLOCK: Final = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
_LEGEND: Final = (
    "“–” was not run there. Skipped are tests that need another right (root or not) or another\n"
    "system.\n"
)
_TITLES: Final = {
    "bookworm": "Debian 12 (bookworm)",
    "trixie": "Debian 13 (trixie)",
    "sid": "Debian sid",
}


def render_block(found: Sequence[Findings]) -> str:
    """Return the README's block: the table, and what its signs mean."""
    return f"{render_table(found)}\n{_LEGEND}"


def render_table(found: Sequence[Findings]) -> str:
    """Return the table in Markdown: a column for each system, versions first, then outcomes."""
    steps = dict.fromkeys(outcome.step for tested in found for outcome in tested.outcomes)
    rows = [["", *(_title(tested.system) for tested in found)]]
    rows += [["---"] * len(rows[0])]
    rows += [
        [heading, *(tested.versions.get(name, "–") for tested in found)]
        for name, (heading, _) in NAMES.items()
    ]
    rows += [[step, *(_cell(tested, step) for tested in found)] for step in steps]
    rows += [["run on", *(tested.day for tested in found)]]
    rows += [["at commit", *(tested.commit or "–" for tested in found)]]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(tested: Findings, step: str) -> str:
    outcome = next((one for one in tested.outcomes if one.step == step), None)
    if outcome is None:
        return "–"
    if outcome.commit == tested.commit:
        return outcome.text()
    return f"{outcome.text()} (at {outcome.commit or 'an earlier commit'})"


def _title(system: str) -> str:
    suite, _, llvm = system.partition("-llvm")
    return _TITLES[suite] + (f", LLVM {llvm}" if llvm else "")


def _age(system: str) -> tuple[int, str]:
    """Return what sorts systems: the oldest suite first, in it the newest LLVM last."""
    suite, _, llvm = system.partition("-llvm")
    return SUITES.index(suite), llvm or "~"


def remember(path: Path, tested: Findings) -> tuple[Findings, ...]:
    """Put what was found into the file of all systems; return all of them, oldest system first."""
    known = {}
    if path.is_file():
        known = {one["system"]: from_json(one) for one in files.read_json(path)}
    known[tested.system] = tested
    found = tuple(known[name] for name in sorted(known, key=_age))
    files.write_json(path, [to_json(one) for one in found])
    return found


def replace_block(readme: str, table: str) -> str:
    """Return the README with the table between its marks. Raises ArtifactError without marks."""
    if not _BLOCK.search(readme):
        raise ArtifactError(
            "the README has no place for the table",
            details=f"The lines {BEGIN} and {END} are missing.",
            hint="Put them where the table belongs.",
        )
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{table}{END}", readme)
