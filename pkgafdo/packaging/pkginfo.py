"""What a pacman package says of itself: its .PKGINFO, read from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo.artifacts import PackageFile
from pkgafdo.errors import ArtifactError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pkgafdo.runner.base import Runner

_REQUIRED: Final = ("pkgname", "pkgver", "arch")
_API_HEADERS: Final = "linux-api-headers"


def pkginfo_command(path: Path) -> Command:
    """Return the command that prints a package's .PKGINFO."""
    return Command(
        # -q stops at the first match: .PKGINFO leads the archive, the rest is not unpacked.
        argv=("bsdtar", "-xOqf", str(path), ".PKGINFO"),
        accept=frozenset(range(256)),
        hint="Install bsdtar (Arch: libarchive, Debian: libarchive-tools).",
    )


def parse_pkginfo(text: str) -> dict[str, tuple[str, ...]]:
    """Parse `key = value` lines; a key may occur several times (makepkg's write_pkginfo)."""
    fields: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        key, separator, value = line.partition(" = ")
        if separator and not key.startswith("#"):
            fields[key.strip()] = (*fields.get(key.strip(), ()), value.strip())
    return fields


def package_from(path: Path, text: str) -> PackageFile:
    """Return the package that a .PKGINFO describes; raises ArtifactError when it is none."""
    fields = parse_pkginfo(text)
    missing = [key for key in _REQUIRED if key not in fields]
    if missing:
        raise ArtifactError(
            f"{path} is not a pacman package",
            details=f"Its .PKGINFO lacks {', '.join(missing)}.",
            hint="Remove the file and build the packages again.",
        )
    name = fields["pkgname"][0]
    return PackageFile(
        path=path,
        pkgname=name,
        pkgbase=fields.get("pkgbase", (name,))[0],
        pkgver=fields["pkgver"][0],
        arch=fields["arch"][0],
        conflicts=fields.get("conflict", ()),
        provides=fields.get("provides", ()),
        size=int(fields.get("size", ("0",))[0]),
    )


def read_package(runner: Runner, path: Path) -> PackageFile:
    """Read what a package file says of itself; raises ArtifactError when it is no package."""
    result = runner.query(pkginfo_command(path))
    if result.returncode != 0:
        raise ArtifactError(
            f"{path} is not a pacman package",
            details=result.stderr.strip(),
            hint="Name a file that makepkg wrote, such as linux-mine-6.18.54-1-x86_64.pkg.tar.zst.",
        )
    return package_from(path, result.stdout)


def is_api_headers(package: PackageFile) -> bool:
    """Tell whether a package would replace the system's user-space kernel headers.

    Installing it breaks the compiler's linux-api-headers package, so it is never kept.
    """
    return package.pkgname.endswith("-api-headers") or any(
        name.split("=")[0].split("<")[0].split(">")[0] == _API_HEADERS for name in package.conflicts
    )


def split(
    packages: Iterable[PackageFile],
) -> tuple[tuple[PackageFile, ...], tuple[PackageFile, ...]]:
    """Part packages into those to keep and the api-headers ones to drop."""
    every = tuple(packages)
    kept = tuple(package for package in every if not is_api_headers(package))
    return kept, tuple(package for package in every if is_api_headers(package))


def find_debug(packages: Iterable[PackageFile]) -> PackageFile | None:
    """Return the package that carries vmlinux, or None on trees that make none (6.11)."""
    for package in packages:
        if package.pkgname == f"{package.pkgbase}-debug":
            return package
    return None
