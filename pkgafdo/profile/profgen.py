"""Converting a branch table with llvm-profgen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.branches.texts import unsymbolized_profile, write_lines
from pkgafdo.profile.conversion import convert_with
from pkgafdo.profile.tools import PACKAGES, require_profgen
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.artifacts import Toolchain, Vmlinux
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.profile.conversion import Conversion
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner


def profgen_command(
    profgen: str, *, binary: Path, counts: Path, output: Path, is_kernel: bool = True
) -> Command:
    """Return the command that turns counts at link addresses into an extbinary profile.

    Without --use-offset=0 llvm-profgen takes the addresses for offsets from the first executable
    segment, finds no function at any of them, and writes an empty profile without complaint.
    """
    return Command(
        argv=(
            profgen,
            *(("--kernel",) if is_kernel else ()),
            f"--binary={binary}",
            f"--unsymbolized-profile={counts}",
            "--use-offset=0",
            "--format=extbinary",
            f"--output={output}",
        ),
        hint=PACKAGES,
    )


def perfdata_command(profgen: str, *, binary: Path, recording: Path, output: Path) -> Command:
    """Return the command that lets llvm-profgen read perf.data itself: slow, for reference."""
    return Command(
        argv=(
            profgen,
            "--kernel",
            f"--binary={binary}",
            f"--perfdata={recording}",
            "--format=extbinary",
            f"--output={output}",
        ),
        hint=PACKAGES,
    )


def convert_table(
    runner: Runner,
    toolchain: Toolchain,
    *,
    table: BranchTable,
    vmlinux: Vmlinux,
    folder: Path,
    settings: ProfileSettings,
    allow_mismatch: bool = False,
    recording: Path | None = None,
) -> Conversion:
    """Convert a table to `kernel-<digest>.afdo` in `folder`, and judge the result.

    With the recording that the table was read from, llvm-profgen reads that instead of the table.
    Raises HostError when llvm-profgen cannot do it, ArtifactError when the table is of another
    kernel or the profile is too thin; then nothing is left behind.
    """
    profgen = require_profgen(runner, toolchain)

    def make(records: BranchTable, scratch: Path) -> Path:
        counts, output = scratch / "counts.txt", scratch / "kernel.afdo"
        if recording is None:
            write_lines(counts, unsymbolized_profile(records))
            command = profgen_command(profgen, binary=vmlinux.path, counts=counts, output=output)
        else:
            command = perfdata_command(
                profgen, binary=vmlinux.path, recording=recording, output=output
            )
        runner.run(command)
        return output

    return convert_with(
        make, runner, toolchain,
        tool="llvm-profgen", table=table, vmlinux=vmlinux, folder=folder, settings=settings,
        allow_mismatch=allow_mismatch,
    )  # fmt: skip
