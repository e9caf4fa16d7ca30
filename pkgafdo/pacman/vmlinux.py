"""Finding the vmlinux of an installed kernel through the file lists of its packages.

Which package owns it differs: `-debug` of `make pacman-pkg`, `-dbg` of linux-cachyos; a `-headers`
package may hold a stripped one, or only files whose names contain the word.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.artifacts import Vmlinux
from pkgafdo.errors import ArtifactError
from pkgafdo.pacman import database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pkgafdo.pacman.package import InstalledPackage
    from pkgafdo.runner.base import Runner

_MODULES: Final = "usr/lib/modules/"
_NEXT_MOVE: Final = (
    "Build the kernel with its debug package: `make pacman-pkg` with PACMAN_EXTRAPACKAGES holding "
    "`debug` (Linux 6.12 or newer), linux-cachyos with `_build_debug=yes`; then install it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A packaged file of the name vmlinux; reason says why it was rejected, empty: it was not."""

    package: str
    pkgbase: str
    path: Path
    build_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VmlinuxSearch:
    """What was looked at; releases are the kernelreleases that each pkgbase owns modules of."""

    root: Path
    packages: tuple[InstalledPackage, ...]
    candidates: tuple[Candidate, ...]
    releases: Mapping[str, tuple[str, ...]]

    @property
    def accepted(self) -> tuple[Candidate, ...]:
        """The candidates that nothing speaks against."""
        return tuple(candidate for candidate in self.candidates if not candidate.reason)


def find_vmlinux(
    runner: Runner,
    *,
    root: Path,
    pkgbase: str | None = None,
    expected_build_id: str | None = None,
) -> VmlinuxSearch:
    """Look at every file called vmlinux that the packages of a pkgbase (or all packages) own."""
    packages = tuple(
        package
        for package in database.installed(runner, root=root)
        if pkgbase in {None, package.base}
    )
    lists = database.files_of(runner, [package.name for package in packages], root=root)
    owned = [
        (package, path)
        for package in packages
        for path in lists[package.name]
        if posixpath.basename(path) == "vmlinux"
    ]
    paths = {path for _, path in owned}
    return VmlinuxSearch(
        root=root,
        packages=packages,
        candidates=tuple(
            _judge(package, path, root=root, others=paths - {path}, expected=expected_build_id)
            for package, path in owned
        ),
        releases=_releases(packages, lists),
    )


def _judge(
    package: InstalledPackage, path: str, *, root: Path, others: Iterable[str], expected: str | None
) -> Candidate:
    place = root / path
    build_id = None
    try:
        reason = _link_reason(root, path, others)
        if not reason:
            build_id = elf.build_id(place)
            reason = _content_reason(place, build_id, expected)
    except ArtifactError as error:
        reason = error.message
    return Candidate(
        package=package.name, pkgbase=package.base, path=place, build_id=build_id, reason=reason
    )


def _link_reason(root: Path, path: str, others: Iterable[str]) -> str:
    """Say why a path is no file of its own; links are read as seen from inside the root."""
    place = root / path
    if place.is_symlink():
        joined = posixpath.join("/", posixpath.dirname(path), str(place.readlink()))
        target = posixpath.normpath(joined).lstrip("/")
        if target in others:
            return f"a link to {root / target}, which is looked at itself"
        return f"a link to /{target}, which no package of this search owns"
    return "" if place.exists() else "missing on disk, though the package owns it"


def _content_reason(place: Path, build_id: str | None, expected: str | None) -> str:
    if not elf.has_line_tables(place):
        return "stripped: it has no line tables (.debug_line)"
    if build_id is None:
        return "it has no build-id"
    if expected is not None and build_id != expected:
        return f"of another build: its build-id is {build_id}, expected {expected}"
    return ""


def _releases(
    packages: Iterable[InstalledPackage], lists: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for package in packages:
        for path in lists[package.name]:
            release = path.removeprefix(_MODULES).partition("/")[0]
            if path.startswith(_MODULES) and release:
                found.setdefault(package.base, set()).add(release)
    return {base: tuple(sorted(releases)) for base, releases in found.items()}


def require_vmlinux(
    runner: Runner,
    *,
    root: Path,
    pkgbase: str | None = None,
    expected_build_id: str | None = None,
) -> Vmlinux:
    """Return the one vmlinux that fits; raises ArtifactError saying what was looked at."""
    search = find_vmlinux(runner, root=root, pkgbase=pkgbase, expected_build_id=expected_build_id)
    accepted = {candidate.build_id: candidate for candidate in search.accepted}
    if not accepted:
        raise _none_fits(search, pkgbase)
    if len(accepted) > 1:
        raise ArtifactError(
            f"{root} holds several kernels with a vmlinux",
            details="\n".join(f"{one.pkgbase}: {one.path}" for one in accepted.values()),
            hint="Name one with --pkgbase.",
        )
    ((build_id, candidate),) = accepted.items()
    releases = search.releases.get(candidate.pkgbase, ())
    return Vmlinux(
        path=candidate.path,
        build_id=build_id or "",
        release=releases[0] if len(releases) == 1 else "",
    )


def _none_fits(search: VmlinuxSearch, pkgbase: str | None) -> ArtifactError:
    of_base = f" of {pkgbase}" if pkgbase else ""
    if not search.packages:
        return ArtifactError(
            f"no package{of_base} is installed in {search.root}",
            hint="Install the kernel's packages first, or name another --root or --pkgbase.",
        )
    looked = [f"{one.path} ({one.package}): {one.reason}" for one in search.candidates]
    names = ", ".join(package.name for package in search.packages[:8])
    more = ", …" if len(search.packages) > 8 else ""
    looked.append(f"Looked through the file lists of {names}{more}.")
    what = "no usable vmlinux" if search.candidates else "no vmlinux"
    return ArtifactError(
        f"{what} among the installed packages{of_base}",
        details="\n".join(looked),
        hint=_NEXT_MOVE,
    )
