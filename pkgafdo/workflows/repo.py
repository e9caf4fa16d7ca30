"""Adding built packages to a pacman repository, and reading a repository back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, ConfigError, HostError
from pkgafdo.packaging import package_provenance, pkginfo, repo
from pkgafdo.packaging.makepkg import signature
from pkgafdo.pacman.database import compare_versions
from pkgafdo.pacman.sync_db import read_database
from pkgafdo.workflows.install_stages import packages_of
from pkgafdo.workflows.repo_check import check_signatures

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile
    from pkgafdo.pacman.sync_db import RepoEntry
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """What `repo add` was asked for; key signs, provenance is a profile's JSON file."""

    database: Path
    packages: tuple[Path, ...]
    key: str = ""
    gnupghome: str = ""
    provenance: Path | None = None

    @property
    def env(self) -> dict[str, str]:
        """What gpg needs beside the runner's environment."""
        return {"GNUPGHOME": self.gnupghome} if self.gnupghome else {}


def packages_of_run(entries: dict[str, Entry]) -> tuple[Path, ...]:
    """Return the packages of a run's last kernel; raises ArtifactError when it has none yet."""
    for name in ("build-propeller", "build-optimised"):
        if name in entries:
            return tuple(one.path for one in packages_of(entries[name].facts["packages"]))
    raise ArtifactError(
        "the run has built no optimised kernel yet", hint="Go on with `pkgafdo run` first."
    )


def add(runner: Runner, order: Addition) -> dict[str, Any]:
    """Add packages to a repository; return what is in it then.

    All or nothing: after an error the repository's database is the old one. Raises ArtifactError for
    packages that would be a downgrade or replace others of the same version, ConfigError for a signed
    repository without a key, HostError for a key that is not here.
    """
    place = repo.repo_at(order.database)
    packages = _read_packages(runner, order.packages)
    _require_key(runner, order)
    place.folder.mkdir(parents=True, exist_ok=True)
    with repo.locked(place):
        if place.is_signed and not order.key:
            raise ConfigError(
                f"the repository {place.name} is signed, so its database must be signed again",
                hint="Name the key with --key, or in GPGKEY.",
            )
        present = read_database(runner, place.folder / place.database)
        fresh = tuple(one for one in packages if not _is_done(runner, order, place, one, present))
        published = _add_fresh(runner, order, place, packages, fresh) if fresh else ()
        if not fresh:
            repo.make_links(place)
    entries = read_database(runner, place.folder / place.database)
    return {
        "repository": place.name,
        "folder": str(place.folder),
        "added": [package.path.name for package in fresh],
        "provenance": [name for name in published if name.endswith(package_provenance.SUFFIX)],
        "signed": place.is_signed,
        "packages": {entry.name: entry.version for entry in entries},
    }


def _require_key(runner: Runner, order: Addition) -> None:
    """Raise HostError when a key is named that gpg has no secret part of."""
    if not order.key:
        return
    found = runner.query(repo.secret_key_command(order.key, env=order.env))
    if found.returncode != 0:
        raise HostError(
            f"there is no secret key {order.key}",
            details=found.stderr.strip(),
            hint="See which there are: gpg --list-secret-keys",
        )


def _add_fresh(
    runner: Runner,
    order: Addition,
    place: repo.Repo,
    packages: Sequence[PackageFile],
    fresh: Sequence[PackageFile],
) -> tuple[str, ...]:
    """Add packages that are not there yet; returns the names of the files beside the database."""
    provenance = _provenance(runner, order, packages)
    with repo.staging(place) as staged:
        names = _stage(runner, order, fresh, provenance, staged)
        paths = [staged / package.path.name for package in fresh]
        runner.run(repo.repo_add_command(place, paths, staged=staged, key=order.key, env=order.env))
        _require_added(runner, order, place, staged, fresh)
        repo.publish(place, staged, names)
    return names


def _read_packages(runner: Runner, paths: Sequence[Path]) -> tuple[PackageFile, ...]:
    """Read the packages to add.

    Raises ConfigError for one that is not there, ArtifactError for a set that cannot be one.
    """
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise ConfigError(
            f"there is no such file: {', '.join(missing)}", hint="Name the packages' files."
        )
    every = [pkginfo.read_package(runner, path) for path in dict.fromkeys(paths)]
    kept, dropped = pkginfo.split(every)
    for package in dropped:
        log.warn(f"{package.pkgname} is left out: it would replace linux-api-headers")
    names = [package.pkgname for package in kept]
    if not kept or len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ArtifactError(
            f"{', '.join(twice)}: named more than once" if twice else "there is no package to add",
            hint="Name each package of one build once.",
        )
    return tuple(sorted(kept, key=lambda package: package.pkgname))


def _is_done(
    runner: Runner,
    order: Addition,
    place: repo.Repo,
    package: PackageFile,
    present: Sequence[RepoEntry],
) -> bool:
    """Tell whether nothing is left to do: the database has the package, its file and signature lie there.

    Raises ArtifactError as `_is_listed` does.
    """
    if not _is_listed(runner, package, present):
        return False
    path = place.folder / package.path.name
    if not path.is_file() or files.sha256_file(path) != files.sha256_file(package.path):
        return False
    return not order.key or (place.is_signed and signature(path).is_file())


def _is_listed(runner: Runner, package: PackageFile, present: Sequence[RepoEntry]) -> bool:
    """Tell whether the database has just this package.

    Raises ArtifactError when it has a newer one, or another of the same version.
    """
    entry = next((one for one in present if one.name == package.pkgname), None)
    if entry is None:
        return False
    order = compare_versions(runner, entry.version, package.pkgver)
    if order > 0:
        raise ArtifactError(
            f"the repository has {entry.name} {entry.version}, which is newer than {package.pkgver}",
            details="Nothing was changed.",
            hint="Add a package with a higher version or pkgrel.",
        )
    if order == 0 and entry.sha256 != files.sha256_file(package.path):
        raise ArtifactError(
            f"the repository has another {entry.filename} already",
            details="Who has fetched that one would never see this one. Nothing was changed.",
            hint="Raise pkgrel and build again.",
        )
    return order == 0


def _stage(
    runner: Runner,
    order: Addition,
    packages: Sequence[PackageFile],
    provenance: dict[str, dict[str, Any]],
    staged: Path,
) -> tuple[str, ...]:
    """Put packages, provenance and their signatures into the staged folder; returns the names."""
    names = []
    for package in packages:
        copy = staged / package.path.name
        shutil.copyfile(package.path, copy)
        if signature(package.path).is_file():
            shutil.copyfile(signature(package.path), signature(copy))
        names.append(copy.name)
    for name, content in provenance.items():
        files.write_json(staged / name, content)
        names.append(name)
    for name in names:
        if order.key and not signature(staged / name).is_file():
            runner.run(repo.sign_command(staged / name, key=order.key, env=order.env))
    signed = [f"{name}{repo.SIGNATURE}" for name in names]
    # A file's signature comes before the file, so that it is never there without.
    return tuple(one for pair in zip(signed, names, strict=True) for one in pair)


def _provenance(
    runner: Runner, order: Addition, packages: Sequence[PackageFile]
) -> dict[str, dict[str, Any]]:
    """Return the provenance of each build among the packages, by the name of its file."""
    found = {}
    for base, group in groupby(sorted(packages, key=_build_of), key=_build_of):
        one_build = tuple(group)
        known = _known(runner, order, one_build)
        if known:
            name = package_provenance.file_name(*base)
            found[name] = package_provenance.describe(one_build, known)
        else:
            log.warn(
                f"{base[0]} {base[1]} ships no provenance: nobody can tell which profile built it"
            )
    return found


def _build_of(package: PackageFile) -> tuple[str, str]:
    return package.pkgbase, package.pkgver


def _known(runner: Runner, order: Addition, packages: Sequence[PackageFile]) -> dict[str, Any]:
    kernel = next((one for one in packages if one.pkgname == one.pkgbase), None)
    known = package_provenance.shipped(runner, kernel) if kernel else {}
    if order.provenance is not None:
        try:
            text = order.provenance.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArtifactError(
                f"the provenance {order.provenance} cannot be read",
                details=str(error),
                hint="It is the profile's .json file.",
            ) from error
        known["profile"] = package_provenance.parse_profile(text, str(order.provenance))
    return known


def _require_added(
    runner: Runner,
    order: Addition,
    place: repo.Repo,
    staged: Path,
    packages: Sequence[PackageFile],
) -> None:
    """Raise ArtifactError unless repo-add did it all: it only warns of downgrades and signatures."""
    entries = {one.name: one for one in read_database(runner, staged / place.database)}
    for package in packages:
        entry = entries.get(package.pkgname)
        if entry is None or (entry.version, entry.sha256) != (
            package.pkgver, files.sha256_file(package.path),
        ):  # fmt: skip
            raise ArtifactError(
                f"repo-add did not add {package.path.name}",
                details="Nothing was changed.",
                hint="Add it alone to see why.",
            )
    if order.key:
        copy = replace(place, folder=staged)
        if wrong := check_signatures(runner, copy, env=order.env):
            raise ArtifactError(
                f"the database was not signed with {order.key}",
                details="\n".join(wrong) + "\nNothing was changed.",
                hint="See whether gpg can use the key: gpg --list-secret-keys",
            )
