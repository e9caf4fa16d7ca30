"""Reading a pacman repository back: what its database says, and what lies beside it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from pkgafdo import files
from pkgafdo.errors import ArtifactError, PkgafdoError
from pkgafdo.host import users
from pkgafdo.packaging import package_provenance, pkginfo, repo
from pkgafdo.packaging.makepkg import signature
from pkgafdo.pacman.program import download_user
from pkgafdo.pacman.sync_db import read_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pkgafdo.pacman.sync_db import RepoEntry
    from pkgafdo.runner.base import Runner


def check(runner: Runner, database: Path, *, env: dict[str, str]) -> dict[str, Any]:
    """Return what is in a repository, and what is wrong with it (`faults`) or noteworthy (`notes`).

    Raises ArtifactError when there is no database, or it cannot be read.
    """
    place = repo.repo_at(database)
    path = place.folder / place.database
    if not path.is_file():
        raise ArtifactError(f"{path} does not exist", hint="Make it with `pkgafdo repo add`.")
    entries = read_database(runner, path)
    faults = [
        *check_signatures(runner, place, env=env),
        *_links(place),
        *(fault for entry in entries for fault in _package(runner, place, entry, env)),
        *(fault for file in _provenances(place) for fault in _provenance(runner, place, file, env)),
    ]
    return {
        "repository": place.name,
        "folder": str(place.folder),
        "signed": place.is_signed,
        "packages": {entry.name: entry.version for entry in entries},
        "provenance": [file.name for file in _provenances(place)],
        "faults": faults,
        "notes": [*_notes(place, entries), *_closed_to_pacman(runner, place)],
    }


def check_signatures(runner: Runner, place: repo.Repo, *, env: dict[str, str]) -> list[str]:
    """Return what is wrong with the databases' signatures; nothing for a repository without any."""
    if not place.is_signed:
        return []
    return [
        f"{name} has no good signature"
        for name in (place.database, place.file_lists)
        if not repo.is_well_signed(runner, place.folder / name, env=env)
    ]


def _links(place: repo.Repo) -> Iterator[str]:
    """Yield what is wrong with the names under which pacman fetches the databases."""
    for link, target in place.links.items():
        wanted, found = place.folder / target, place.folder / link
        if wanted.is_file() and not (found.is_file() and found.samefile(wanted)):
            yield f"{link} does not lead to {target}"


def _package(
    runner: Runner, place: repo.Repo, entry: RepoEntry, env: dict[str, str]
) -> Iterator[str]:
    path = place.folder / entry.filename
    if "/" in entry.filename or not path.is_file():
        yield f"{entry.name} {entry.version}: {entry.filename} is missing"
        return
    if files.sha256_file(path) != entry.sha256:
        yield f"{entry.filename} is not the file that the database describes"
        return
    try:
        package = pkginfo.read_package(runner, path)
    except PkgafdoError as error:
        yield f"{entry.filename}: {error.message}"
        return
    if (package.pkgname, package.pkgver) != (entry.name, entry.version):
        yield f"{entry.filename} is {package.pkgname} {package.pkgver}, not {entry.name} {entry.version}"
    if pkginfo.is_api_headers(package):
        yield f"{entry.filename} would replace linux-api-headers"
    yield from _package_signature(runner, path, entry, env, is_signed=place.is_signed)


def _package_signature(
    runner: Runner, path: Path, entry: RepoEntry, env: dict[str, str], *, is_signed: bool
) -> Iterator[str]:
    if not entry.signature and not signature(path).is_file():
        if is_signed:
            yield f"{entry.filename} is not signed, as its repository is"
    elif not repo.is_well_signed(runner, path, env=env):
        yield f"{entry.filename} has no good signature"
    # Newer versions of repo-add leave signatures out of the database (--include-sigs): pacman then
    # fetches the file beside the package.
    elif entry.signature and base64.b64decode(entry.signature) != signature(path).read_bytes():
        yield f"{entry.filename}.sig is not the signature in the database"


def _provenances(place: repo.Repo) -> Sequence[Path]:
    return sorted(place.folder.glob(f"*{package_provenance.SUFFIX}"))


def _provenance(runner: Runner, place: repo.Repo, path: Path, env: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with a published provenance: it must be of the packages beside it."""
    try:
        packages = dict(files.read_json(path)["packages"])
    except (ValueError, KeyError, TypeError):
        yield f"{path.name} is no provenance"
        return
    for name, digest in packages.items():
        package = place.folder / str(name).rpartition("/")[2]
        if package.is_file() and files.sha256_file(package) != digest:
            yield f"{path.name} is of another {package.name}"
    if place.is_signed and not repo.is_well_signed(runner, path, env=env):
        yield f"{path.name} has no good signature"


def _notes(place: repo.Repo, entries: Sequence[RepoEntry]) -> Iterator[str]:
    named = {entry.filename for entry in entries}
    for path in sorted(place.folder.glob("*.pkg.tar*")):
        if path.suffix != repo.SIGNATURE and path.name not in named:
            yield f"{path.name} is in no database"
    published = {path.name for path in _provenances(place)}
    for base, version in sorted({(entry.base, entry.version) for entry in entries}):
        if package_provenance.file_name(base, version) not in published:
            yield f"{base} {version} has no provenance"


def _closed_to_pacman(runner: Runner, place: repo.Repo) -> Iterator[str]:
    """Yield what keeps this machine's pacman from a repository that it reads as file://."""
    name = download_user(runner)
    user = users.known_user(name) if name else None
    if user is not None and (closed := users.closed_folder(place.folder, user)):
        yield (
            f"pacman downloads as the user {user.name}, who cannot enter {closed}: "
            f"`chmod o+x {closed}` if pacman here is to read it as file://{place.folder}"
        )
