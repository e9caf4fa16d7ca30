"""From a recording's table to one profile: choose a converter, add the modules, merge."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import elf, log
from pkgafdo.branches.filters import (
    drop_cross_function_ranges,
    drop_impossible_ranges,
    keep_inside,
    module_intervals,
)
from pkgafdo.branches.meta import DropReason
from pkgafdo.errors import ArtifactError, CommandError, HostError, PkgafdoError
from pkgafdo.profile.check import check_found, find_functions, require_found
from pkgafdo.profile.conversion import adopt_profile, code_intervals, require_same_kernel
from pkgafdo.profile.create_llvm_prof import convert_with_create_llvm_prof, program_of
from pkgafdo.profile.merge import WeightedProfile, merge_profiles
from pkgafdo.profile.modules import convert_modules, leave_out_modules
from pkgafdo.profile.profgen import convert_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.artifacts import SampleProfile, Toolchain, Vmlinux
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.profile.conversion import Conversion
    from pkgafdo.profile.modules import ModuleProfiles, ModuleReport
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner


class Tool(StrEnum):
    """A converter."""

    PROFGEN = "llvm-profgen"
    CREATE = "create_llvm_prof"


ORDER = (Tool.PROFGEN, Tool.CREATE)
"""llvm-profgen first: it belongs to the compiler that will read the profile, and knows its format."""
_MODULES_NAMED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be converted, and how.

    tools are tried in order until one makes a profile that passes. objects is the build folder with
    the modules' .ko (None: leave modules out). recording is the perf.data that the table was read
    from, where the tool shall read that itself. cache keeps downloads.
    """

    table: BranchTable
    vmlinux: Vmlinux
    settings: ProfileSettings
    cache: Path
    tools: Sequence[Tool] = ORDER
    objects: Path | None = None
    recording: Path | None = None
    allow_mismatch: bool = False


def convert(runner: Runner, toolchain: Toolchain, request: Request, *, folder: Path) -> Conversion:
    """Convert to `kernel-<digest>.afdo` in `folder`; nothing else is left there.

    Raises ArtifactError when the recording itself is at fault, before any tool is tried (and
    downloaded); else what the converter raises; with several, ArtifactError that says why each
    failed.
    """
    _require_fit(request)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".convert.") as name:
        scratch = Path(name)
        conversion = _first_that_works(runner, toolchain, request, scratch)
        modules = _convert_modules(runner, toolchain, request, scratch)
        if not modules.reports:
            return replace(conversion, profile=_into(folder, conversion))
        return _with_modules(runner, toolchain, request, conversion, modules, folder=folder)


def _convert_modules(
    runner: Runner, toolchain: Toolchain, request: Request, scratch: Path
) -> ModuleProfiles:
    table = request.table
    if request.objects is None or not table.meta.modules:
        modules = leave_out_modules(table)
        if modules.reports:
            log.warn(render_left_out(modules.reports))
        return modules
    folder = scratch / "modules"
    folder.mkdir()
    modules = convert_modules(
        runner, toolchain, table=table, objects=request.objects, folder=folder
    )
    for report in modules.reports:
        log.note(render_module(report))
    return modules


def _require_fit(request: Request) -> None:
    found = find_functions(request.table, elf.symbols(request.vmlinux.path))
    if check_found(found, request.settings):
        # That it is of another kernel would explain it.
        require_same_kernel(request.table, request.vmlinux, allow_mismatch=request.allow_mismatch)
    require_found(found, request.settings)


def _first_that_works(
    runner: Runner, toolchain: Toolchain, request: Request, folder: Path
) -> Conversion:
    passed_over: list[str] = []
    for tool in request.tools:
        try:
            conversion = _convert_with(tool, runner, toolchain, request, folder)
        except (ArtifactError, CommandError, HostError) as error:
            if len(request.tools) == 1 or _is_about_input(error):
                raise
            passed_over.append(_reason(tool, error))
            if tool is not request.tools[-1]:  # of the last one the error tells
                log.warn(passed_over[-1])
            continue
        log.note(f"converted with {tool}" + (" (the first choice)" if not passed_over else ""))
        return replace(conversion, passed_over=tuple(passed_over))
    raise ArtifactError(
        "No converter made a profile that can be used",
        details="\n".join(passed_over),
        hint="Name one with --tool to see all that it says.",
    )


def _is_about_input(error: PkgafdoError) -> bool:
    """Say whether no other converter could do better: the recording and vmlinux do not belong together."""
    return isinstance(error, ArtifactError) and "another kernel" in error.message


def _reason(tool: Tool, error: PkgafdoError) -> str:
    evidence = error.details.strip().splitlines()
    return f"{tool} is passed over: {error.message}" + (f" ({evidence[0]})" if evidence else "")


def _convert_with(
    tool: Tool, runner: Runner, toolchain: Toolchain, request: Request, folder: Path
) -> Conversion:
    if tool is Tool.PROFGEN:
        return convert_table(
            runner, toolchain,
            table=request.table, vmlinux=request.vmlinux, folder=folder, settings=request.settings,
            allow_mismatch=request.allow_mismatch, recording=request.recording,
        )  # fmt: skip
    url = request.settings.create_llvm_prof_url
    with program_of(runner, request.cache, url=url) as program:
        return convert_with_create_llvm_prof(
            runner, toolchain, program,
            table=request.table, vmlinux=request.vmlinux, folder=folder, settings=request.settings,
            allow_mismatch=request.allow_mismatch, recording=request.recording,
        )  # fmt: skip


def _with_modules(
    runner: Runner,
    toolchain: Toolchain,
    request: Request,
    conversion: Conversion,
    modules: ModuleProfiles,
    *,
    folder: Path,
) -> Conversion:
    table = records_used(request.table, request.vmlinux, modules)
    if not modules.profiles:
        profile = _into(folder, conversion)
    else:
        parts = [conversion.profile.path, *modules.profiles]
        profile = merge_profiles(
            runner, toolchain, [WeightedProfile(path=path) for path in parts], folder=folder
        )
    return replace(conversion, profile=profile, table=table, modules=modules.reports)


def records_used(table: BranchTable, vmlinux: Vmlinux, modules: ModuleProfiles) -> BranchTable:
    """Return the records that went into a profile; the others are counted by why they did not."""
    table = drop_impossible_ranges(table, elf.symbols(vmlinux.path))
    for symbols in modules.symbols:
        table = drop_cross_function_ranges(table, symbols)
    used = [*code_intervals(vmlinux.path), *modules.intervals]
    # What lies in no code at all is gone for another reason than what lies in a module left out.
    left_out = [
        area
        for area in module_intervals(table.meta.modules)
        if not any(area[0] <= start < area[1] for start, _ in modules.intervals)
    ]
    return keep_inside(keep_inside(table, [*used, *left_out]), used, reason=DropReason.NO_MODULE)


def render_left_out(reports: Sequence[ModuleReport]) -> str:
    """Return what was recorded in modules that are all left out, the busiest first, as a line."""
    ranked = sorted(reports, key=lambda report: -report.branches)
    names = ", ".join(f"{one.name} {one.branches:,}" for one in ranked[:_MODULES_NAMED])
    more = f" and {len(ranked) - _MODULES_NAMED} more" if len(ranked) > _MODULES_NAMED else ""
    total = sum(report.branches for report in reports)
    return (
        f"{total:,} branches are in modules and left out ({names}{more}): name the kernel's build "
        "folder (--modules) to profile them too"
    )


def render_module(report: ModuleReport) -> str:
    """Return a module's report as a line."""
    if report.why_not:
        return f"module {report.name}: not profiled: {report.why_not}"
    return (
        f"module {report.name}: {report.functions:,} functions, {report.samples:,} samples "
        f"from {report.branches:,} branches"
    )


def _into(folder: Path, conversion: Conversion) -> SampleProfile:
    profile = conversion.profile
    return adopt_profile(profile.path, folder, functions=profile.functions, samples=profile.samples)
