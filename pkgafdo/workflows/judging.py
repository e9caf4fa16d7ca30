"""Judging profiles: what they hold, how they differ, whether they still fit and pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pkgafdo import elf, log
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.check import check_summary
from pkgafdo.profile.compare import compare_profiles
from pkgafdo.profile.drift import Verdict, measure_drift
from pkgafdo.profile.info import cover, density, read_functions, read_info
from pkgafdo.profile.lineage import MISMATCH, render_unknown
from pkgafdo.workflows.profiles import require_objects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pkgafdo.profile.drift import Drift
    from pkgafdo.profile.provenance import Provenance
    from pkgafdo.workflows.profiles import Workbench


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """What a profile must reach beyond the [profile] limits; what is None is not asked.

    vmlinux is a kernel that it must fit with a verdict of `at_least`, objects the build folder with
    its modules; base a profile that it must be like, with `similarity`. has_provenance asks for a
    provenance whose build-id was compared.
    """

    vmlinux: Path | None = None
    objects: Path | None = None
    at_least: Verdict = Verdict.USABLE
    base: Path | None = None
    similarity: float = 0.8
    has_provenance: bool = False


def describe_profile(bench: Workbench, profile: Path, vmlinux: Path | None) -> dict[str, Any]:
    """Return what a profile holds, JSON-plain; with a vmlinux also how much of it that is."""
    info = read_info(bench.runner, bench.toolchain, profile)
    totals = read_functions(bench.runner, bench.toolchain, profile)
    data: dict[str, Any] = {
        "path": str(profile),
        "sha256": info.sha256,
        "size": info.size,
        **asdict(info.summary),
        "functions_total": sum(totals.values()),
        "provenance": asdict(info.provenance) if info.provenance else None,
    }
    if vmlinux is not None:
        symbols = elf.symbols(vmlinux)
        data["coverage"] = asdict(cover(totals, symbols))
        data["density"] = round(density(totals, symbols), 3)
    return data


def compare(bench: Workbench, base: Path, test: Path) -> dict[str, Any]:
    """Return how two profiles differ, JSON-plain."""
    return asdict(compare_profiles(bench.runner, bench.toolchain, base, test))


def drift(
    bench: Workbench, profile: Path, vmlinux: Path, *, objects: Path | None = None
) -> dict[str, Any]:
    """Return how much of a profile fits a kernel and its modules, JSON-plain."""
    found = asdict(_drift(bench, profile, vmlinux, objects))
    return found | {"verdict": found["verdict"].value}


def _drift(bench: Workbench, profile: Path, vmlinux: Path, objects: Path | None) -> Drift:
    require_objects(objects)
    origin = read_info(bench.runner, bench.toolchain, profile).provenance
    if objects is None and origin is not None and origin.modules:
        log.warn(
            f"the profile has functions of the modules {', '.join(origin.modules)}, which count as "
            "gone; name the build folder with --modules"
        )
    return measure_drift(bench.runner, bench.toolchain, profile, vmlinux, objects=objects)


def _check_origin(origin: Provenance | None) -> list[str]:
    """Return why nobody knows where a profile comes from; empty when it is known."""
    if origin is None:
        return ["it has no provenance"]
    if origin.unknown_origins:
        return [f"it {render_unknown(origin)}"]
    if not origin.build_id_checked:
        return ["not all that it was made of says its build-id: nobody knows its kernel"]
    return []


def check(bench: Workbench, profile: Path, gates: Gates) -> list[str]:
    """Return what is wrong with a profile, one sentence each; empty when it passes."""
    info = read_info(bench.runner, bench.toolchain, profile)
    findings = check_summary(info.summary.functions, info.summary.samples, bench.settings)
    if gates.has_provenance:
        findings += _check_origin(info.provenance)
    if info.provenance is not None and info.provenance.mismatch:
        findings.append(f"it was {MISMATCH}")
    if gates.vmlinux is not None:
        found = _drift(bench, profile, gates.vmlinux, gates.objects)
        ranks = list(Verdict)
        if ranks.index(found.verdict) > ranks.index(gates.at_least):
            findings.append(
                f"it is {found.verdict} for {gates.vmlinux} ({found.function_share:.1%} of the "
                f"samples find their function, {found.line_share:.1%} of the hot ones their line); "
                f"{gates.at_least} is needed"
            )
    if gates.base is not None:
        overlap = compare_profiles(bench.runner, bench.toolchain, gates.base, profile).overlap
        if overlap.similarity < gates.similarity:
            findings.append(
                f"its similarity to {gates.base} is {overlap.similarity:.1%}; "
                f"{gates.similarity:.1%} is needed"
            )
    return findings


def require_checked(profile: Path, findings: Sequence[str]) -> None:
    """Raise ArtifactError that lists what is wrong with a profile."""
    if findings:
        raise ArtifactError(
            f"{profile} does not pass",
            details="\n".join(f"- {finding}" for finding in findings),
            hint="`pkgafdo profile info` and `profile drift` show more.",
        )
