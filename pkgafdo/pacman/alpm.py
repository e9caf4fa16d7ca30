"""Reading pacman's local database with pyalpm, where it can be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.errors import ArtifactError
from pkgafdo.pacman.package import InstalledPackage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def usable() -> bool:
    """Tell whether pyalpm can be used; where not, the programs of pacman are asked."""
    return not why_not()


def why_not() -> str:
    """Return why pyalpm cannot be used, empty when it can.

    Built for an older libalpm or another Python it fails as it is loaded, in whatever way.
    """
    try:
        import pyalpm  # noqa: F401  only whether it loads
    except (ImportError, OSError, SystemError) as error:
        return str(error) or type(error).__name__
    return ""


def installed(root: Path, dbpath: Path) -> tuple[InstalledPackage, ...]:
    """Read the installed packages, sorted by name."""
    found = [
        InstalledPackage(
            name=package.name, version=package.version, base=package.base or package.name
        )
        for package in _local(root, dbpath).pkgcache
    ]
    return tuple(sorted(found, key=lambda package: package.name))


def files_of(root: Path, dbpath: Path, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read the file lists of installed packages, relative to the root; folders end in `/`."""
    local = _local(root, dbpath)
    found = {}
    for name in names:
        package = local.get_pkg(name)
        if package is None:
            raise ArtifactError(f"{name} is not installed in {root}")
        found[name] = tuple(sorted(path for path, _size, _mode in package.files))
    return found


def compare(first: str, second: str) -> int:
    """Compare two package versions: negative, zero or positive."""
    import pyalpm

    return int(pyalpm.vercmp(first, second))


def _local(root: Path, dbpath: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202  pyalpm is untyped
    import pyalpm

    try:
        return pyalpm.Handle(str(root), str(dbpath)).get_localdb()
    except pyalpm.error as error:
        raise ArtifactError(
            f"{dbpath} cannot be read as a pacman database",
            details=str(error),
            hint="Name the root that the packages were installed into.",
        ) from error
