"""Reading a repository's database, with pyalpm or else out of the archive itself."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.pacman import alpm
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.runner.base import Runner

_HINT: Final = "Make it anew with repo-add from the packages beside it."


@dataclass(frozen=True, kw_only=True, slots=True)
class RepoEntry:
    """A package as a repository's database describes it; signature is base64, or empty."""

    name: str
    version: str
    base: str
    filename: str
    size: int
    sha256: str
    signature: str = ""


def read_database(runner: Runner, path: Path) -> tuple[RepoEntry, ...]:
    """Read the packages of a database, sorted by name; none when there is no such file.

    Raises ArtifactError when it is damaged.
    """
    if not path.is_file():
        return ()
    described = _described(runner, path)
    if not described:
        return ()
    entries = _with_alpm(path) if alpm.usable() else _from_archive(runner, path)
    return tuple(sorted(entries, key=lambda entry: entry.name))


def _with_alpm(path: Path) -> list[RepoEntry]:
    import pyalpm

    name = path.name.partition(".db")[0]
    with tempfile.TemporaryDirectory(prefix="pkgafdo-repo-") as folder:
        # libalpm reads NAME.db in the folder `sync` of a database folder, however it is packed.
        (Path(folder) / "sync").mkdir()
        shutil.copyfile(path, Path(folder) / f"sync/{name}.db")
        try:
            database = pyalpm.Handle(folder, folder).register_syncdb(name, 0)
            return [
                RepoEntry(
                    name=package.name,
                    version=package.version,
                    base=package.base or package.name,
                    filename=package.filename,
                    size=package.size,
                    sha256=package.sha256sum or "",
                    signature=package.base64_sig or "",
                )
                for package in database.pkgcache
            ]
        except pyalpm.error as error:
            raise _damaged(path, str(error)) from error


def _described(runner: Runner, path: Path) -> bool:
    """Tell whether a database has any entry; raises ArtifactError when it is damaged.

    libalpm, and repo-add too, take a file that is no archive for a database without packages.
    """
    listed = runner.query(_bsdtar("-tf", path, accept_all=True))
    if listed.returncode != 0:
        raise _damaged(path, listed.stderr.strip())
    return any(line.endswith("/desc") for line in listed.stdout.splitlines())


def _from_archive(runner: Runner, path: Path) -> list[RepoEntry]:
    text = runner.query(_bsdtar("-xOf", path, "*/desc")).stdout
    return [_entry(path, fields) for fields in parse_descs(text)]


def _bsdtar(mode: str, path: Path, *names: str, accept_all: bool = False) -> Command:
    return Command(
        argv=("bsdtar", mode, str(path), *names),
        accept=frozenset(range(256)) if accept_all else frozenset({0}),
        hint="Install bsdtar (Arch: libarchive, Debian: libarchive-tools).",
    )


def parse_descs(text: str) -> Iterator[dict[str, str]]:
    """Parse the `desc` files of a database, one behind the other; each begins with %FILENAME%."""
    fields: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if line == "%FILENAME%" and fields:
            yield fields
            fields = {}
        if line.startswith("%") and line.endswith("%"):
            fields[line.strip("%")] = next(lines, "")
    if fields:
        yield fields


def _entry(path: Path, fields: dict[str, str]) -> RepoEntry:
    try:
        return RepoEntry(
            name=fields["NAME"],
            version=fields["VERSION"],
            base=fields.get("BASE", fields["NAME"]),
            filename=fields["FILENAME"],
            size=int(fields["CSIZE"]),
            sha256=fields.get("SHA256SUM", ""),
            signature=fields.get("PGPSIG", ""),
        )
    except (KeyError, ValueError) as error:
        raise _damaged(path, f"An entry lacks {error}.") from error


def _damaged(path: Path, details: str) -> ArtifactError:
    return ArtifactError(
        f"{path} cannot be read as a repository's database", details=details, hint=_HINT
    )
