"""What a check finds: where, how bad, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is; only an error makes a check fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding; line is 0 when it is about the whole file."""

    rule: str
    severity: Severity
    file: str
    line: int
    message: str
    remedy: str = ""


def finding(
    rule: str,
    severity: Severity,
    line: int,
    message: str,
    remedy: str = "",
    *,
    file: str = "PKGBUILD",
) -> Finding:
    """Return a finding about the PKGBUILD, or about another file of its folder."""
    return Finding(
        rule=rule, severity=severity, file=file, line=line, message=message, remedy=remedy
    )


def render_finding(found: Finding) -> str:
    """Return a finding as compilers print theirs, its remedy on a line of its own."""
    place = f"{found.file}:{found.line}" if found.line else found.file
    text = f"{place}: {found.severity}: {found.message} [{found.rule}]"
    return f"{text}\n    → {found.remedy}" if found.remedy else text


def sort_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings by file and line, each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda one: (one.file, one.line, one.rule)))
