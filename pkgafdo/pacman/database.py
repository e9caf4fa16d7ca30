"""Which packages are installed and which files they own, read with pyalpm or else with pacman."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.pacman import alpm, program
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.pacman.package import InstalledPackage
    from pkgafdo.runner.base import Runner

SYSTEM: Final = Path("/")


def installed(runner: Runner, *, root: Path) -> tuple[InstalledPackage, ...]:
    """Read the packages installed below a root, sorted by name."""
    root, dbpath = _locate(runner, root)
    if alpm.usable():
        return alpm.installed(root, dbpath)
    return program.installed(runner, root, dbpath)


def files_of(runner: Runner, names: Iterable[str], *, root: Path) -> dict[str, tuple[str, ...]]:
    """Read the file lists of installed packages, relative to the root; folders end in `/`."""
    root, dbpath = _locate(runner, root)
    if alpm.usable():
        return alpm.files_of(root, dbpath, names)
    return program.files_of(runner, root, dbpath, names)


def compare_versions(runner: Runner, first: str, second: str) -> int:
    """Compare two package versions as pacman does: negative, zero or positive."""
    if alpm.usable():
        return alpm.compare(first, second)
    return program.compare(runner, first, second)


def _locate(runner: Runner, root: Path) -> tuple[Path, Path]:
    """Return the root with its links resolved, as pacman prints it, and its database folder."""
    root = root.resolve()
    dbpath = root / "var/lib/pacman"
    if root == SYSTEM and runner.which("pacman-conf"):
        dbpath = Path(runner.query(Command(argv=("pacman-conf", "DBPath"))).stdout.strip())
    if not (dbpath / "local").is_dir():
        raise ArtifactError(
            f"{root} holds no pacman database",
            details=f"{dbpath / 'local'} is missing.",
            hint="Name the root that the packages were installed into (--root).",
        )
    return root, dbpath
