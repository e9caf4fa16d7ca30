"""What every converter has in common: the right kernel, its records, a judged result."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import elf, files, log
from pkgafdo.artifacts import SampleProfile
from pkgafdo.branches.filters import drop_impossible_ranges, keep_inside
from pkgafdo.branches.origin import (
    foreign_build_ids,
    name_build_ids,
    require_link_addresses,
    require_machine,
    tells_build_id,
)
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.check import find_functions, quality_of, require_quality
from pkgafdo.profile.show import parse_summary, summary_command
from pkgafdo.profile.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.artifacts import Toolchain, Vmlinux
    from pkgafdo.branches.filters import Interval
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.profile.check import Quality
    from pkgafdo.profile.modules import ModuleReport
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner

    Maker = Callable[[BranchTable, Path], Path]
    """Makes a profile of a kernel's records, with a folder for its files; returns the profile."""

_SHF_EXECINSTR: Final = 4  # elf(5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """A converted profile, the numbers it was judged by, and the table that went into it.

    tool is the converter; passed_over says in sentences why others were not taken; modules tells
    what became of each kernel module.
    """

    profile: SampleProfile
    quality: Quality
    table: BranchTable
    tool: str = "llvm-profgen"
    passed_over: tuple[str, ...] = ()
    modules: tuple[ModuleReport, ...] = ()


def convert_with(
    make: Maker,
    runner: Runner,
    toolchain: Toolchain,
    *,
    tool: str,
    table: BranchTable,
    vmlinux: Vmlinux,
    folder: Path,
    settings: ProfileSettings,
    allow_mismatch: bool = False,
) -> Conversion:
    """Make a profile of a table as `kernel-<digest>.afdo` in `folder`, and judge it.

    Raises ArtifactError when the table is of another kernel or the profile too thin, and what the
    maker raises; then nothing is left behind.
    """
    require_same_kernel(table, vmlinux, allow_mismatch=allow_mismatch)
    profdata = require_tool(toolchain, "llvm-profdata")
    symbols = elf.symbols(vmlinux.path)
    found = find_functions(table, symbols)
    table = keep_inside(drop_impossible_ranges(table, symbols), code_intervals(vmlinux.path))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".convert.") as name:
        output = make(table, Path(name))
        if not output.is_file():
            raise ArtifactError(
                f"{tool} ended without an error and wrote no profile",
                hint="Run its command by hand (--verbose shows it) and read its warnings.",
            )
        summary = parse_summary(runner.query(summary_command(profdata, output)).stdout)
        quality = quality_of(summary, found)
        require_quality(quality, settings)
        profile = adopt_profile(
            output, folder, functions=summary.functions, samples=summary.samples
        )
    return Conversion(profile=profile, quality=quality, table=table, tool=tool)


def adopt_profile(
    made: Path, folder: Path, *, functions: int, samples: int, stem: str = "kernel"
) -> SampleProfile:
    """Rename a finished profile to a name that carries its digest.

    Kbuild compiles again when a flag's text changes, not when the file behind it does.
    """
    digest = files.sha256_file(made)
    path = folder / f"{stem}-{digest[:16]}.afdo"
    made.replace(path)
    return SampleProfile(path=path, sha256=digest, functions=functions, samples=samples)


def require_same_kernel(table: BranchTable, vmlinux: Vmlinux, *, allow_mismatch: bool) -> None:
    """Raise ArtifactError when a table is known to be of another kernel than vmlinux.

    Or when its addresses are not that kernel's. Another architecture is never allowed.
    """
    meta = table.meta
    require_machine(meta, vmlinux.path)
    if not tells_build_id(meta):
        log.warn(f"The recording does not say its build-id: is it of {vmlinux.path}?")
    foreign = name_build_ids(foreign_build_ids(meta, vmlinux.build_id))
    if foreign and not allow_mismatch:
        raise ArtifactError(
            "The recording is of another kernel than this vmlinux",
            details=f"build-id of the recording: {foreign}\n"
            f"build-id of {vmlinux.path}: {vmlinux.build_id or 'none'}",
            hint="Find the vmlinux of the recorded kernel (`pkgafdo vmlinux find`), or record "
            "the kernel that this vmlinux belongs to.",
        )
    if foreign:
        log.warn(
            f"The recording (build-id {foreign}) is not of {vmlinux.path} (build-id "
            f"{vmlinux.build_id or 'none'}): its addresses will hit wrong functions"
        )
    if fault := require_link_addresses(meta, vmlinux.path, allowed=allow_mismatch):
        log.warn(fault)


def code_intervals(vmlinux: Path) -> list[Interval]:
    """Return the addresses of a kernel's code: its executable sections."""
    return [
        (section.address, section.address + section.size)
        for section in elf.sections(vmlinux)
        if section.flags & _SHF_EXECINSTR and section.size and section.address
    ]
