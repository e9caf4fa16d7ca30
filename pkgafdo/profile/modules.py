"""Profiles of kernel modules, which no released converter makes: link, convert, report."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf
from pkgafdo.branches.filters import drop_impossible_ranges, keep_inside
from pkgafdo.branches.texts import unsymbolized_profile, write_lines
from pkgafdo.errors import ArtifactError, CommandError
from pkgafdo.profile.module_link import (
    check_identity,
    find_module_files,
    link_module,
    place_sections,
    place_symbols,
)
from pkgafdo.profile.profgen import profgen_command
from pkgafdo.profile.show import parse_summary, summary_command
from pkgafdo.profile.tools import require_profgen, require_tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.branches.filters import Interval
    from pkgafdo.branches.meta import ModuleMapping
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.profile.module_link import PlacedSection
    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable

LEAST_BRANCH_SHARE: Final = 0.9
"""What part of a module's branches must begin at a branch instruction of its .ko.

With the right one nearly all do, with another about as many as any byte looks like one (a third).
"""

_BRANCH_BYTES: Final = (
    *range(0x70, 0x80),  # jcc, short
    *(0x0F, 0xE8, 0xE9, 0xEB, 0xFF),  # jcc; call; jmp; jmp, short; call and jmp, indirect
    *(0xC2, 0xC3, 0xCC, 0xE0, 0xE1, 0xE2, 0xE3),  # ret; int3; loop and jrcxz
    *(0x2E, 0x3E, 0x41, 0x64, 0x66, 0x90, 0xF2, 0xF3),  # prefixes; nops that the kernel patches
)
"""First bytes of x86 branches (Intel's manual, volume 2), and of what the kernel patches into one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleReport:
    """What became of one module: its recorded branches, and its profile or why it has none."""

    name: str
    branches: int
    functions: int = 0
    samples: int = 0
    why_not: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleProfiles:
    """The modules' profiles (files in the folder that was named) and reports.

    intervals and symbols are the addresses where the profiled ones ran.
    """

    profiles: tuple[Path, ...] = ()
    reports: tuple[ModuleReport, ...] = ()
    intervals: tuple[Interval, ...] = ()
    symbols: tuple[SymbolTable, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Converted:
    """What came of one module: where it ran, and its profile's totals."""

    placed: tuple[PlacedSection, ...]
    symbols: SymbolTable
    functions: int
    samples: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tools:
    runner: Runner
    profgen: str
    profdata: str
    lld: str


def convert_modules(
    runner: Runner, toolchain: Toolchain, *, table: BranchTable, objects: Path, folder: Path
) -> ModuleProfiles:
    """Make a profile in `folder` for each module of a recording whose .ko is among the objects.

    A module that cannot be profiled is reported with its reason and stops nothing.
    """
    tools = _Tools(
        runner=runner,
        profgen=require_profgen(runner, toolchain),
        profdata=require_tool(toolchain, "llvm-profdata"),
        lld=require_tool(toolchain, "ld.lld"),
    )
    found = find_module_files(objects)
    profiles, reports, intervals, symbols = [], [], [], []
    for module in table.meta.modules:
        branches = count_branches(table, module)
        try:
            ko = _require_ko(found, module, branches)
            profile = folder / f"{module.name}.afdo"
            made = _convert(tools, table, module, ko, profile)
        except (ArtifactError, CommandError) as error:
            reports.append(ModuleReport(name=module.name, branches=branches, why_not=error.message))
            continue
        profiles.append(profile)
        intervals += [section.interval for section in made.placed]
        symbols.append(made.symbols)
        reports.append(
            ModuleReport(
                name=module.name,
                branches=branches,
                functions=made.functions,
                samples=made.samples,
            )
        )
    return ModuleProfiles(
        profiles=tuple(profiles),
        reports=tuple(reports),
        intervals=tuple(intervals),
        symbols=tuple(symbols),
    )


def leave_out_modules(table: BranchTable) -> ModuleProfiles:
    """Report the modules that were recorded when there is no build folder to profile them with."""
    counts = {module.name: count_branches(table, module) for module in table.meta.modules}
    reports = [
        ModuleReport(name=name, branches=branches, why_not="no build folder was named")
        for name, branches in counts.items()
        if branches
    ]
    return ModuleProfiles(reports=tuple(reports))


def count_branches(table: BranchTable, module: ModuleMapping) -> int:
    """Count the recorded branches that begin in the area that a module's text begins."""
    later = [other.base for other in table.meta.modules if other.base > module.base]
    end = min([module.base + module.size, *later])
    inside = (table.branch_from >= np.uint64(module.base)) & (table.branch_from < np.uint64(end))
    return int(table.branch_count[inside].sum())


def _require_ko(found: dict[str, Path], module: ModuleMapping, branches: int) -> Path:
    if not branches:
        raise ArtifactError("no records")
    ko = found.get(module.name.replace("-", "_"))
    if ko is None:
        raise ArtifactError("the build has no .ko of this name")
    if not elf.has_line_tables(ko):
        raise ArtifactError("the .ko is stripped: it has no line tables")
    return ko


def _convert(
    tools: _Tools, table: BranchTable, module: ModuleMapping, ko: Path, profile: Path
) -> _Converted:
    """Write a module's profile."""
    meta = table.meta
    check_identity(
        ko, build_id=meta.extra.get(f"build-id {module.name}", ""), release=meta.kernelrelease
    )
    placed = place_sections(elf.sections(ko), module)
    symbols = place_symbols(ko, placed)
    records = keep_inside(
        drop_impossible_ranges(table, symbols), [section.interval for section in placed]
    )
    if elf.machine(ko) == "x86_64":
        require_branches(records, ko, placed)
    with tempfile.TemporaryDirectory(dir=profile.parent, prefix=f".{module.name}.") as name:
        linked = link_module(tools.runner, tools.lld, ko, placed, folder=Path(name))
        counts = Path(name, "counts.txt")
        write_lines(counts, unsymbolized_profile(records))
        tools.runner.run(
            profgen_command(
                tools.profgen, binary=linked, counts=counts, output=profile, is_kernel=False
            )
        )
    if not profile.is_file():
        raise ArtifactError("llvm-profgen wrote no profile")
    summary = parse_summary(tools.runner.query(summary_command(tools.profdata, profile)).stdout)
    if not summary.functions:
        raise ArtifactError("llvm-profgen found none of its functions")
    return _Converted(
        placed=placed, symbols=symbols, functions=summary.functions, samples=summary.samples
    )


def require_branches(records: BranchTable, ko: Path, placed: Sequence[PlacedSection]) -> None:
    """Raise ArtifactError when the recorded branches do not begin at this .ko's branches."""
    content = np.fromfile(ko, dtype=np.uint8)
    total = good = 0
    for section in placed:
        start, end = (np.uint64(address) for address in section.interval)
        inside = (records.branch_from >= start) & (records.branch_from < end)
        places = (records.branch_from[inside] - start).astype(np.int64) + section.offset
        counts = records.branch_count[inside]
        branch = np.isin(content[places], _BRANCH_BYTES)
        total += len(counts)
        good += int(np.count_nonzero(branch))
    if total and good < LEAST_BRANCH_SHARE * total:
        raise ArtifactError(
            f"it is not the module that ran: {total - good} of {total} recorded branches begin "
            "where the .ko has none"
        )
