"""Profiles by themselves: converting, merging and trimming outside a run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, CommandError, ConfigError
from pkgafdo.host.facts import read_facts
from pkgafdo.profile.convert import ORDER, Request, Tool, convert
from pkgafdo.profile.info import read_info
from pkgafdo.profile.lineage import merged_provenance, require_same_origin
from pkgafdo.profile.merge import WeightedProfile, merge_profiles, normalising_weights
from pkgafdo.profile.provenance import (
    find_provenance,
    provenance_of,
    provenance_path,
    write_provenance,
)
from pkgafdo.profile.trim import trim_profile
from pkgafdo.toolchain.select import select
from pkgafdo.workflows.profile_stages import tool_versions
from pkgafdo.workflows.recordings import is_recording, read_sources, read_vmlinux, require_lines
from pkgafdo.workflows.session import cache_folder, make_runner
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pkgafdo.artifacts import SampleProfile, Toolchain
    from pkgafdo.config.model import Config
    from pkgafdo.profile.conversion import Conversion
    from pkgafdo.profile.provenance import Provenance
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner

_MUCH_LOST: Final = 0.1
"""As record.max_lost has it by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workbench:
    """What work on profiles needs: a runner, LLVM, limits, and where downloads are kept."""

    runner: Runner
    toolchain: Toolchain
    settings: ProfileSettings
    cache: Path


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

    sources: tuple[Path | BinaryIO, ...]
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
    require_objects(order.modules)
    table = read_sources(order.sources, vmlinux, allow_mismatch=order.allow_mismatch)
    if table.meta.lost_share > _MUCH_LOST:
        log.warn(
            f"{table.meta.lost_share:.0%} of the samples were lost, those of the busiest times: "
            "a larger period loses fewer"
        )
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


def require_objects(path: Path | None) -> None:
    """Raise ConfigError when a build folder is named that is none."""
    if path is not None and not path.is_dir():
        raise ConfigError(
            f"{path} is no folder with modules", hint="Name the kernel's build folder."
        )


def _direct_recording(order: Order) -> Path:
    source = order.sources[0]
    if len(order.sources) != 1 or not isinstance(source, Path) or not is_recording(source):
        raise ConfigError(
            "--direct takes one perf.data file",
            hint="Leave it out: then recordings are read here, and faster.",
        )
    return source


def merge_sources(
    bench: Workbench,
    inputs: Sequence[WeightedProfile],
    output: Path,
    *,
    normalise: bool = False,
    allow_mismatch: bool = False,
) -> tuple[SampleProfile, Provenance]:
    """Merge profiles to `output`, its provenance beside it.

    normalise makes of the weights shares, so that a long run does not drown a short one. Raises
    ArtifactError when the profiles are of different kernels or LLVM majors and that is not allowed.
    """
    for one in inputs:
        if not one.path.is_file():
            raise ArtifactError(f"There is no profile {one.path}", hint="Check the path.")
    origins = {one.path: find_provenance(one.path) for one in inputs}
    require_same_origin(
        {str(path): origin for path, origin in origins.items()}, allow_mismatch=allow_mismatch
    )
    if normalise:
        weights = normalising_weights(
            [_samples(bench, one.path, origins) for one in inputs], [one.weight for one in inputs]
        )
        inputs = [replace(one, weight=weight) for one, weight in zip(inputs, weights, strict=True)]
    with _beside(output) as folder:
        profile = _move(_merge(bench, inputs, Path(folder)), output)
    rows = [
        (known.profile_sha256 if known else files.sha256_file(one.path), one.weight, known)
        for one in inputs
        for known in (origins[one.path],)
    ]
    provenance = merged_provenance(profile, rows, created_by=f"pkgafdo {version()}")
    write_provenance(output, provenance)
    return profile, provenance


def _samples(bench: Workbench, path: Path, origins: Mapping[Path, Provenance | None]) -> int:
    """Return a profile's total; its provenance tells it without starting a program."""
    known = origins[path]
    if known is not None:
        return known.counts
    return read_info(bench.runner, bench.toolchain, path).summary.samples


def _merge(bench: Workbench, inputs: Sequence[WeightedProfile], folder: Path) -> SampleProfile:
    try:
        return merge_profiles(bench.runner, bench.toolchain, inputs, folder=folder)
    except CommandError:
        for one in inputs:  # which of them is no profile?
            read_info(bench.runner, bench.toolchain, one.path)
        raise


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
