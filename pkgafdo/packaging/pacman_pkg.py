"""`make pacman-pkg`: from a configured kernel to pacman packages, read back from what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError
from pkgafdo.packaging import pkginfo
from pkgafdo.packaging.builder import give
from pkgafdo.packaging.syncdeps import dependency_options, sandbox_told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile
    from pkgafdo.packaging.settings import BuildSettings
    from pkgafdo.runner.base import Runner
    from pkgafdo.runner.command import Command
    from pkgafdo.runner.local import Builder

EXTRA_PACKAGES: Final = ("headers", "debug")
"""Packages beside the kernel; api-headers is left out because it replaces the system's own."""

DESTINATION_MARK: Final = "packages"
SCRATCH_MARK: Final = "makepkg-scratch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Packaging:
    """Where packages go and what the host has.

    destination becomes makepkg's PKGDEST and is emptied before each build; scratch takes what
    makepkg.conf would send elsewhere. has_pacman_database: makedepends can be looked up here.
    makes_debug: the tree packages vmlinux (6.12 and newer), so that a build without it is wrong.
    gpgkey and gnupghome: the key that packages are signed with, and GnuPG's folder; empty: the defaults.
    """

    settings: BuildSettings
    destination: Path
    scratch: Path
    pkgext: str
    has_pacman_database: bool
    makes_debug: bool
    gpgkey: str = ""
    gnupghome: str = ""


def choose_pkgext(settings: BuildSettings, *, has_zstd: bool) -> str:
    """Return the packages' suffix: the one asked for, or the best that this host can write."""
    return settings.pkgext or (".pkg.tar.zst" if has_zstd else ".pkg.tar.gz")


def makepkg_options(settings: BuildSettings, *, has_pacman_database: bool) -> tuple[str, ...]:
    """Return makepkg's options for this host."""
    dependencies = dependency_options(has_pacman_database=has_pacman_database)
    sign = "--sign" if settings.sign else "--nosign"
    return (*dependencies, "--clean", sign, *settings.makepkg_options)


def pacman_pkg_command(make: Command, packaging: Packaging) -> Command:
    """Return `make … pacman-pkg` from a make command that names tree, objects and toolchain.

    makepkg's folders go by environment, which wins over makepkg.conf.
    """
    settings = packaging.settings
    options = makepkg_options(settings, has_pacman_database=packaging.has_pacman_database)
    scratch = str(packaging.scratch)
    env = {
        "LOGDEST": scratch,
        "MAKEPKGOPTS": " ".join(options),
        "PACKAGER": settings.packager,
        "PACMAN_EXTRAPACKAGES": " ".join(EXTRA_PACKAGES),
        "PACMAN_PKGBASE": settings.pkgbase,
        "PKGDEST": str(packaging.destination),
        "PKGEXT": packaging.pkgext,
        "SRCDEST": scratch,
        "SRCPKGDEST": scratch,
    }
    if settings.sign:
        signer = {"GPGKEY": packaging.gpgkey, "GNUPGHOME": packaging.gnupghome}
        env |= {name: value for name, value in signer.items() if value}
    return replace(make, argv=(*make.argv, "pacman-pkg"), env={**make.env, **env})


def build_packages(
    runner: Runner,
    make: Command,
    packaging: Packaging,
    *,
    builder: Builder | None,
    on_line: Callable[[str], None] | None = None,
) -> tuple[PackageFile, ...]:
    """Build and package the kernel; return the packages, without api-headers ones.

    Raises CommandError when the build fails, ArtifactError when no package came out.
    """
    files.remake_marked(packaging.destination, DESTINATION_MARK)
    files.mark_folder(packaging.scratch, SCRATCH_MARK)
    for folder in (packaging.destination, packaging.scratch):
        give(folder, builder)
    with sandbox_told():
        runner.run(pacman_pkg_command(make, packaging), on_line=on_line)
    return read_packages(runner, packaging)


def read_packages(runner: Runner, packaging: Packaging) -> tuple[PackageFile, ...]:
    """Return the packages that lie in the destination, by what they say of themselves.

    Raises ArtifactError when there is none, or one of another pkgbase.
    """
    paths = packaging.destination.glob("*.pkg.tar*")
    packages = [pkginfo.read_package(runner, path) for path in paths if path.suffix != ".sig"]
    kept, dropped = pkginfo.split(packages)
    for package in dropped:
        log.note(f"{package.pkgname} is left out: it would replace linux-api-headers")
    require_packages(kept, packaging)
    return tuple(sorted(kept, key=lambda package: package.pkgname))


def require_packages(packages: tuple[PackageFile, ...], packaging: Packaging) -> None:
    """Raise ArtifactError unless kernel and vmlinux are packaged, and all packages of the pkgbase."""
    pkgbase = packaging.settings.pkgbase
    foreign = [package.pkgname for package in packages if package.pkgbase != pkgbase]
    if foreign or not any(package.pkgname == pkgbase for package in packages):
        found = ", ".join(package.pkgname for package in packages) or "nothing"
        raise ArtifactError(
            f"make pacman-pkg left no package “{pkgbase}” in {packaging.destination}",
            details=f"Found there: {found}.",
            hint="Look into the build's log for what makepkg wrote.",
        )
    if packaging.makes_debug and pkginfo.find_debug(packages) is None:
        raise ArtifactError(
            f"make pacman-pkg left no package “{pkgbase}-debug” in {packaging.destination}",
            details="It carries vmlinux, without which no profile can be made.",
            hint="Look into the build's log for what makepkg wrote.",
        )
