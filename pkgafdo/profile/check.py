"""Is a converted profile good enough to build a kernel with? Numbers, findings, and the refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pkgafdo.branches.filters import module_intervals, which_interval
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.profile.show import ProfileSummary
    from pkgafdo.symtab import SymbolTable


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """How much of a recording lies in functions of vmlinux.

    branches is the kernel's branch count, modules left out; in_functions what part of it begins in
    a function; distinct_functions how many functions that are.
    """

    branches: int
    in_functions: int
    distinct_functions: int

    @property
    def share(self) -> float:
        """The part of the branch counts that found a function; 0 when there is none at all."""
        return self.in_functions / self.branches if self.branches else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """The numbers that a converted profile is judged by."""

    functions: int
    samples: int
    found: Found


def find_functions(table: BranchTable, symbols: SymbolTable) -> Found:
    """Look up where the kernel's branches begin."""
    in_module = which_interval(table.branch_from, module_intervals(table.meta.modules)) >= 0
    counts = table.branch_count[~in_module]
    functions = symbols.find(table.branch_from[~in_module])
    known = functions >= 0
    return Found(
        branches=int(counts.sum()),
        in_functions=int(counts[known].sum()),
        distinct_functions=len(np.unique(functions[known])),
    )


def quality_of(summary: ProfileSummary, found: Found) -> Quality:
    """Put the numbers of the profile and of its recording together."""
    return Quality(functions=summary.functions, samples=summary.samples, found=found)


def check_quality(quality: Quality, settings: ProfileSettings) -> list[str]:
    """Return what is wrong with a profile, one sentence each; empty when it is good enough."""
    findings = check_summary(quality.functions, quality.samples, settings)
    return [*findings, *check_found(quality.found, settings)]


def check_found(found: Found, settings: ProfileSettings) -> list[str]:
    """Return what is wrong with a recording, whichever tool converts it."""
    findings = []
    if found.share < settings.min_found_share:
        findings.append(
            f"only {found.share:.1%} of {found.branches} branches begin in a function of vmlinux "
            f"({settings.min_found_share:.1%} are needed): is it the kernel that was recorded?"
        )
    return findings


def require_found(found: Found, settings: ProfileSettings) -> None:
    """Raise ArtifactError when too few of a recording's branches are in functions of vmlinux."""
    findings = check_found(found, settings)
    if findings:
        raise ArtifactError(
            "The recording and vmlinux do not fit, whichever tool converts",
            details=render_findings(findings),
            hint="Give the vmlinux of the recorded kernel, and read the recording with it: only then "
            "KASLR is undone.",
        )


def check_summary(functions: int, samples: int, settings: ProfileSettings) -> list[str]:
    """Return what is wrong with a profile's totals alone."""
    findings = []
    if functions < settings.min_functions:
        findings.append(f"it names {functions} functions ({settings.min_functions} are needed)")
    if samples < settings.min_samples:
        findings.append(f"its counts add up to {samples} ({settings.min_samples} are needed)")
    return findings


def require_quality(quality: Quality, settings: ProfileSettings) -> None:
    """Raise ArtifactError with the numbers when a profile is empty or nearly so."""
    findings = check_quality(quality, settings)
    if findings:
        raise ArtifactError(
            "The profile is too thin to build a kernel with"
            if quality.functions
            else "The profile is empty",
            details=render_findings(findings),
            hint="Record longer or with a workload that is busier in the kernel, with the vmlinux "
            "of the recorded kernel; the limits are in the [profile] settings.",
        )


def render_findings(findings: Sequence[str]) -> str:
    """Return findings as lines."""
    return "\n".join(f"- {finding}" for finding in findings)
