"""Profiles by themselves: converting, merging, judging and comparing outside a run."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import elf, files, log
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.host.facts import read_facts
from pkgafdo.profile.check import check_summary
from pkgafdo.profile.compare import compare_profiles
from pkgafdo.profile.convert import ORDER, Request, Tool, convert
from pkgafdo.profile.drift import Verdict, measure_drift
from pkgafdo.profile.info import cover, density, read_functions, read_info
from pkgafdo.profile.lineage import merged_provenance, require_same_origin
from pkgafdo.profile.merge import WeightedProfile, merge_profiles, normalising_weights
from pkgafdo.profile.provenance import provenance_of, provenance_path, write_provenance
from pkgafdo.profile.trim import trim_profile
from pkgafdo.toolchain.select import select
from pkgafdo.workflows.profile_stages import tool_versions
from pkgafdo.workflows.recordings import is_recording, read_sources, read_vmlinux, require_lines
from pkgafdo.workflows.session import cache_folder, make_runner
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.artifacts import SampleProfile, Toolchain
    from pkgafdo.config.model import Config
    from pkgafdo.profile.conversion import Conversion
    from pkgafdo.profile.drift import Drift
    from pkgafdo.profile.provenance import Provenance
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """What work on profiles needs: a runner, LLVM, limits, and where downloads are kept."""

    runner: Runner
    toolchain: Toolchain
    settings: ProfileSettings
    cache: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Gates:
    """What a profile must reach beyond the [profile] limits; what is None is not asked.

    vmlinux is a kernel that it must fit with a verdict of `at_least`, objects the build folder with
    its modules; base a profile that it must be like, with `similarity`.
    """

    vmlinux: Path | None = None
    objects: Path | None = None
    at_least: Verdict = Verdict.USABLE
    base: Path | None = None
    similarity: float = 0.8
    has_provenance: bool = False


def open_workbench(config: Config) -> Workbench:
    """Return the workbench of this machine; HostError when it has no usable LLVM."""
    host = read_facts()
    runner = make_runner(host)
    return Workbench(
        runner=runner,
        toolchain=select(runner, config.toolchain),
        settings=config.profile,
        cache=cache_folder(host),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `profile convert` was asked for; tool None means the stated order."""

    sources: tuple[Path, ...]
    vmlinux: Path
    output: Path
    tool: Tool | None = None
    modules: Path | None = None
    allow_mismatch: bool = False
    direct: bool = False


def convert_sources(bench: Workbench, order: Order) -> tuple[Conversion, Provenance]:
    """Convert recordings and tables to one profile at `order.output`, its provenance beside it."""
    vmlinux = read_vmlinux(order.vmlinux)
    require_lines(vmlinux)
    _require_folder(order.modules)
    table = read_sources(order.sources, vmlinux, allow_mismatch=order.allow_mismatch)
    request = Request(
        table=table,
        vmlinux=vmlinux,
        settings=bench.settings,
        cache=bench.cache,
        tools=(order.tool,) if order.tool else ORDER,
        objects=order.modules,
        recording=_direct_recording(order) if order.direct else None,
        allow_mismatch=order.allow_mismatch,
    )
    with _beside(order.output) as folder:
        conversion = convert(bench.runner, bench.toolchain, request, folder=Path(folder))
        conversion = replace(conversion, profile=_move(conversion.profile, order.output))
    provenance = provenance_of(
        conversion,
        vmlinux,
        tools=tool_versions(bench.runner, bench.toolchain),
        created_by=f"pkgafdo {version()}",
    )
    write_provenance(order.output, provenance)
    return conversion, provenance


def _require_folder(path: Path | None) -> None:
    if path is not None and not path.is_dir():
        raise ConfigError(
            f"{path} is no folder with modules", hint="Name the kernel's build folder."
        )


def _direct_recording(order: Order) -> Path:
    if len(order.sources) != 1 or not is_recording(order.sources[0]):
        raise ConfigError(
            "--direct takes one perf.data file",
            hint="Leave it out: then recordings are read here, and faster.",
        )
    return order.sources[0]


def merge_sources(
    bench: Workbench,
    inputs: Sequence[WeightedProfile],
    output: Path,
    *,
    normalise: bool = False,
    allow_mismatch: bool = False,
) -> tuple[SampleProfile, Provenance]:
    """Merge profiles to `output`, its provenance beside it.

    normalise multiplies the weights so that a long run does not drown a short one. Raises
    ArtifactError when the profiles are of different kernels or LLVM majors and that is not allowed.
    """
    infos = [read_info(bench.runner, bench.toolchain, one.path) for one in inputs]
    origins = {str(one.path): info.provenance for one, info in zip(inputs, infos, strict=True)}
    require_same_origin(origins, allow_mismatch=allow_mismatch)
    if normalise:
        factors = normalising_weights([info.summary.samples for info in infos])
        inputs = [
            replace(one, weight=one.weight * factor)
            for one, factor in zip(inputs, factors, strict=True)
        ]
    with _beside(output) as folder:
        profile = merge_profiles(bench.runner, bench.toolchain, inputs, folder=Path(folder))
        profile = _move(profile, output)
    rows = [
        (info.sha256, one.weight, info.provenance) for one, info in zip(inputs, infos, strict=True)
    ]
    provenance = merged_provenance(profile, rows, created_by=f"pkgafdo {version()}")
    write_provenance(output, provenance)
    return profile, provenance


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
    _require_folder(objects)
    origin = read_info(bench.runner, bench.toolchain, profile).provenance
    if objects is None and origin is not None and origin.modules:
        log.warn(
            f"the profile has functions of the modules {', '.join(origin.modules)}, which count as "
            "gone; name the build folder with --modules"
        )
    return measure_drift(bench.runner, bench.toolchain, profile, vmlinux, objects=objects)


def check(bench: Workbench, profile: Path, gates: Gates) -> list[str]:
    """Return what is wrong with a profile, one sentence each; empty when it passes."""
    info = read_info(bench.runner, bench.toolchain, profile)
    findings = check_summary(info.summary.functions, info.summary.samples, bench.settings)
    if gates.has_provenance and info.provenance is None:
        findings.append("it has no provenance")
    if info.provenance is not None and info.provenance.mismatch:
        findings.append("it was made although the build-ids did not match")
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


def trim(bench: Workbench, profile: Path, least_share: float, output: Path) -> dict[str, Any]:
    """Leave a profile's coldest functions out, write it to `output`; returns what was kept."""
    info = read_info(bench.runner, bench.toolchain, profile)
    with _beside(output) as folder:
        trimmed = trim_profile(
            bench.runner, bench.toolchain, profile, least_share=least_share, folder=Path(folder)
        )
        kept = _move(trimmed.profile, output)
    origins = [(info.sha256, 1, info.provenance)]
    write_provenance(output, merged_provenance(kept, origins, created_by=f"pkgafdo {version()}"))
    return {
        "path": str(output),
        "functions": kept.functions,
        "samples": kept.samples,
        "dropped": trimmed.dropped,
        "kept_share": trimmed.kept_share,
        "size": output.stat().st_size,
        "size_before": info.size,
    }


def _beside(output: Path) -> tempfile.TemporaryDirectory[str]:
    output.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.")


def _move(profile: SampleProfile, output: Path) -> SampleProfile:
    """Rename a finished profile into place; an older one's provenance goes first."""
    provenance_path(output).unlink(missing_ok=True)
    profile.path.replace(output)
    return replace(profile, path=output, sha256=files.sha256_file(output))
