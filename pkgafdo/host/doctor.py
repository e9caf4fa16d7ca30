"""One page about this machine: what is there, what is missing, and the remedy of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.host.resources import GIB
from pkgafdo.host.tools import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.errors import PkgafdoError
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.host.tools import ToolFinding


class Level(StrEnum):
    """How a finding stands."""

    FINE = "fine"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the page; hint is the remedy, empty when nothing is wrong."""

    topic: str
    name: str
    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """All findings, in the order to show them."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing that is needed is missing."""
        return all(finding.level is not Level.MISSING for finding in self.findings)


_EVIDENCE: Final = 4
"""Lines of a refusal's evidence that the page shows."""
_SIGNS: Final = {Level.FINE: "✓", Level.NOTE: "·", Level.MISSING: "✗"}


def diagnose(
    facts: HostFacts, tools: Iterable[ToolFinding], others: Iterable[Finding] = ()
) -> Diagnosis:
    """Put together what was found; `others` are findings of the rooms that probed something."""
    return Diagnosis(
        findings=(
            *_machine(facts),
            *(_tool(finding, facts) for finding in tools),
            *others,
        )
    )


def _machine(facts: HostFacts) -> tuple[Finding, ...]:
    return (
        fine("machine", "system", f"{facts.distribution}, Linux {facts.release}, {facts.machine}"),
        fine(
            "machine",
            "size",
            f"{facts.cores} cores, {facts.memory / GIB:.1f} GiB memory "
            f"({facts.memory_available / GIB:.1f} available)",
        ),
        _kernel_config(facts),
        _pacman_database(facts),
    )


def fine(topic: str, name: str, text: str) -> Finding:
    """Return a line about something that is as it should be."""
    return Finding(topic=topic, name=name, level=Level.FINE, text=text)


def refused(topic: str, name: str, error: PkgafdoError) -> Finding:
    """Return the line for what a probe refused, with its evidence and the refusal's own next move."""
    # What the sentence says already is not said twice.
    lines = [
        line
        for line in error.details.splitlines()
        if not error.message.endswith(line.partition(": ")[2] or line)
    ]
    text = "; ".join([*lines[:_EVIDENCE], *(["…"] if len(lines) > _EVIDENCE else [])])
    return Finding(
        topic=topic,
        name=name,
        level=Level.MISSING,
        text=f"{error.message} ({text.removesuffix('.')})" if text else error.message,
        hint=error.hint,
    )


def _kernel_config(facts: HostFacts) -> Finding:
    if facts.kernel_config is not None:
        return fine("machine", "kernel configuration", str(facts.kernel_config))
    return Finding(
        topic="machine",
        name="kernel configuration",
        level=Level.NOTE,
        text="the running kernel's configuration is not readable",
        hint="Name a configuration file to build with that base.",
    )


def _pacman_database(facts: HostFacts) -> Finding:
    if facts.pacman_managed:
        return fine("machine", "pacman database", "pacman manages this system")
    return Finding(
        topic="machine",
        name="pacman database",
        level=Level.NOTE,
        text="pacman does not manage this system",
        hint="Packages are installed into private roots only.",
    )


def _tool(finding: ToolFinding, facts: HostFacts) -> Finding:
    tool = finding.tool
    if finding.path is not None:
        return fine("tools", tool.name, finding.path)
    return Finding(
        topic="tools",
        name=tool.name,
        level=Level.NOTE if tool.optional else Level.MISSING,
        text=f"not installed: it {tool.why}",
        hint=install_hint((tool,), facts.family),
    )


def render(diagnosis: Diagnosis) -> str:
    """Return the page as text: a heading for each topic, a line for each finding."""
    lines = []
    topic = ""
    for finding in diagnosis.findings:
        if finding.topic != topic:
            topic = finding.topic
            lines.append(topic)
        lines.append(f"  {_SIGNS[finding.level]} {finding.name}: {finding.text}")
        if finding.hint:
            lines.append(f"      {finding.hint}")
    return "\n".join(lines)


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the page as a JSON-plain object."""
    return {
        "healthy": diagnosis.healthy,
        "findings": [
            asdict(finding) | {"level": finding.level.value} for finding in diagnosis.findings
        ],
    }
