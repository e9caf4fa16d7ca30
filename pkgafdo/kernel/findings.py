"""One checked fact: what was wanted, what was found, and why it matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The outcome of one check; why explains a failure, or proves a success.

    wanted is empty where nothing was asked for and `got` is only told.
    """

    name: str
    ok: bool
    wanted: str
    got: str
    why: str = ""


def failed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the checks that failed."""
    return tuple(finding for finding in findings if not finding.ok)


def describe(finding: Finding) -> str:
    """Return a finding as text: one line, and the reason indented below it."""
    wanted = f"wanted {finding.wanted}, got " if finding.wanted else ""
    line = f"{finding.name}: {wanted}{finding.got}"
    return "\n".join([line, *(f"    {text}" for text in finding.why.splitlines())])
