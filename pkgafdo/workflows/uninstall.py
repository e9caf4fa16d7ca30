"""Removing the kernels that we installed: never the running one, never one of somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.host import boot_loader
from pkgafdo.pacman import database
from pkgafdo.pacman.remove import remove_command
from pkgafdo.workflows import boot_once
from pkgafdo.workflows.installed_record import read_record, write_record
from pkgafdo.workflows.waiting import forget, read_waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.installed_record import InstalledKernel


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """What is removed of one kernel, what is kept and why; gone: nothing of it is installed any more."""

    kernel: InstalledKernel
    packages: tuple[str, ...]
    kept: str = ""

    @property
    def gone(self) -> bool:
        """Whether the record may forget this kernel afterwards."""
        return not self.kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What decides about removals: the running release, and the versions that are installed."""

    running: str
    versions: Mapping[str, str]


def chosen(kernels: Sequence[InstalledKernel], workdir: Path | None) -> tuple[InstalledKernel, ...]:
    """Return the kernels that runs in a work folder installed; of all folders for None."""
    return tuple(one for one in kernels if workdir is None or one.workdir == str(workdir))


def plan_removal(kernel: InstalledKernel, machine: Machine) -> Removal:
    """Decide what of a kernel is removed; pure."""
    present = {name for name in kernel.packages if name in machine.versions}
    ours = tuple(
        sorted(name for name in present if machine.versions[name] == kernel.packages[name])
    )
    if present and kernel.release == machine.running:
        return Removal(
            kernel=kernel,
            packages=(),
            kept="it runs now: boot another kernel, then give this again",
        )
    foreign = sorted(present - set(ours))
    if foreign:
        names = ", ".join(f"{name} {machine.versions[name]}" for name in foreign)
        return Removal(kernel=kernel, packages=ours, kept=f"not of this run: {names}")
    return Removal(kernel=kernel, packages=ours)


def plan_removals(
    runner: Runner, kernels: Sequence[InstalledKernel], *, running: str, root: Path = Path("/")
) -> tuple[Removal, ...]:
    """Decide about each kernel, by what pacman's database says now."""
    if not kernels:
        return ()
    versions = {one.name: one.version for one in database.installed(runner, root=root)}
    machine = Machine(running=running, versions=versions)
    return tuple(plan_removal(kernel, machine) for kernel in kernels)


def remove(
    runner: Runner, removals: Sequence[Removal], record: Path, *, root: Path = Path("/")
) -> None:
    """Remove the packages, the one-shot entries that would boot them, and their record."""
    for removal in removals:
        if removal.packages:
            _take_back(runner, removal.kernel, root)
            runner.run(remove_command(removal.packages, root=root))
            log.note(f"removed {', '.join(removal.packages)}")
    gone = {removal.kernel.release for removal in removals if removal.gone}
    write_record(record, (one for one in read_record(record) if one.release not in gone))


def _take_back(runner: Runner, kernel: InstalledKernel, root: Path) -> None:
    """Take a one-shot entry back that would boot a kernel which is about to go."""
    workdir = Path(kernel.workdir)
    waiting = read_waiting(workdir)
    if waiting is None or waiting.release != kernel.release:
        return
    if waiting.entry:
        boot_once.disarm(runner, boot_loader.detect(root))
    forget(workdir)


def describe(removal: Removal) -> str:
    """Return one line about a removal."""
    kernel = removal.kernel
    parts = [f"remove {', '.join(removal.packages)}"] if removal.packages else []
    parts += [f"keep {kernel.pkgbase}: {removal.kept}"] if removal.kept else []
    return f"{kernel.release}: {'; '.join(parts) or 'nothing of it is installed any more'}"
