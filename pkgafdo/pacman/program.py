"""Reading pacman's local database with the pacman program, where pyalpm cannot be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.pacman.package import InstalledPackage
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pkgafdo.runner.base import Runner

PACMAN_HINT: Final = "Install pacman (Arch: pacman, Debian: pacman-package-manager)."


def list_command(root: Path, dbpath: Path) -> Command:
    """Return the command that lists the installed packages with their versions.

    pacman ends with 1 when there are none; and so it does when it cannot read, but then it says so.
    """
    return Command(argv=(*_pacman(root, dbpath), "-Q"), accept=frozenset({0, 1}), hint=PACMAN_HINT)


def files_command(root: Path, dbpath: Path, names: Iterable[str]) -> Command:
    """Return the command that lists the files of installed packages."""
    return Command(argv=(*_pacman(root, dbpath), "-Ql", "--", *names), hint=PACMAN_HINT)


def _pacman(root: Path, dbpath: Path) -> tuple[str, ...]:
    return ("pacman", "--root", str(root), "--dbpath", str(dbpath))


def installed(runner: Runner, root: Path, dbpath: Path) -> tuple[InstalledPackage, ...]:
    """Read the installed packages, sorted by name."""
    result = runner.query(list_command(root, dbpath))
    if "error:" in result.stderr:
        raise ArtifactError(
            f"{dbpath} cannot be read as a pacman database", details=result.stderr.strip()
        )
    found = []
    for line in result.stdout.splitlines():
        name, _, version = line.partition(" ")
        base = _base(dbpath / "local" / f"{name}-{version}" / "desc") or name
        found.append(InstalledPackage(name=name, version=version, base=base))
    return tuple(sorted(found, key=lambda package: package.name))


def _base(desc: Path) -> str | None:
    """Read %BASE% of a database entry; the program itself shows it nowhere."""
    try:
        lines = desc.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ArtifactError(
            f"pacman's database is damaged: {desc} cannot be read", details=str(error)
        ) from error
    return lines[lines.index("%BASE%") + 1] if "%BASE%" in lines else None


def files_of(
    runner: Runner, root: Path, dbpath: Path, names: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Read the file lists of installed packages, relative to the root; folders end in `/`."""
    wanted = tuple(names)
    if not wanted:  # without a name, pacman lists the files of all packages
        return {}
    output = runner.query(files_command(root, dbpath, wanted)).stdout
    return parse_files(output, root=root, names=wanted)


def parse_files(output: str, *, root: Path, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Parse what `pacman -Ql` printed: a name, a space, and the path below the root."""
    prefix = str(root).rstrip("/") + "/"
    found: dict[str, list[str]] = {name: [] for name in names}
    for line in output.splitlines():
        name, _, path = line.partition(" ")
        found[name].append(path.removeprefix(prefix))
    return {name: tuple(sorted(paths)) for name, paths in found.items()}


def compare(runner: Runner, first: str, second: str) -> int:
    """Compare two package versions: negative, zero or positive."""
    command = Command(argv=("vercmp", first, second), hint=PACMAN_HINT)
    return int(runner.query(command).stdout)


def download_user(runner: Runner) -> str:
    """Return the user as which this machine's pacman downloads (7.0 and newer), or nothing.

    An older pacman-conf knows no such directive and says so.
    """
    if runner.which("pacman-conf") is None:
        return ""
    known = Command(argv=("pacman-conf", "DownloadUser"), accept=frozenset(range(256)))
    result = runner.query(known)
    return result.stdout.strip() if result.returncode == 0 else ""
