"""A pacman repository's folder: repo-add on a copy of the database, then all files by rename."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pkgafdo.runner.base import Runner

SIGNATURE: Final = ".sig"
REPO_HINT: Final = "Install repo-add (Arch: pacman, Debian: pacman-package-manager)."
GPG_HINT: Final = "Install gpg (Arch: gnupg, Debian: gnupg)."

_DB: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9@._+-]*)\.db(\.tar(?:\.(?:gz|bz2|xz|zst|lz4))?)")
_STAGED_KIND: Final = "repository being changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Repo:
    """A repository: its folder, its name, and the suffix of its two databases."""

    folder: Path
    name: str
    suffix: str

    @property
    def database(self) -> str:
        """The name of the database's file."""
        return f"{self.name}.db{self.suffix}"

    @property
    def file_lists(self) -> str:
        """The name of the database with the packages' file lists."""
        return f"{self.name}.files{self.suffix}"

    @property
    def links(self) -> dict[str, str]:
        """The names under which pacman fetches the databases, and what they lead to."""
        found = {f"{self.name}.db": self.database, f"{self.name}.files": self.file_lists}
        return found | {
            f"{link}{SIGNATURE}": f"{target}{SIGNATURE}" for link, target in found.items()
        }

    @property
    def lock(self) -> Path:
        """The file with which repo-add keeps others out."""
        return self.folder / f"{self.database}.lck"

    @property
    def is_signed(self) -> bool:
        """Whether the database that is there has a signature."""
        return (self.folder / f"{self.database}{SIGNATURE}").is_file()


def repo_at(path: Path) -> Repo:
    """Return the repository of a database's path; raises ConfigError when it is named otherwise."""
    match = _DB.fullmatch(path.name)
    if match is None:
        raise ConfigError(
            f"{path} is not the path of a repository's database",
            details="Its name reads NAME.db.tar.zst, or .gz, .xz, .bz2.",
            hint="Example: pkgafdo repo add /srv/repo/mine.db.tar.zst *.pkg.tar.zst",
        )
    return Repo(folder=path.parent.absolute(), name=match[1], suffix=match[2])


def find_database(path: Path) -> Path:
    """Return the database that is meant by its own path, that of pacman's link, or its folder's.

    Raises ConfigError where a folder holds none, or several.
    """
    if path.is_dir():
        folder, link = path, None
    elif path.suffix == ".db":
        folder, link = path.parent, path.name
    else:
        return path
    found = sorted(
        one for one in folder.glob("*.db.tar*")
        if _DB.fullmatch(one.name) and link in {None, f"{repo_at(one).name}.db"}
    )  # fmt: skip
    if len(found) == 1:
        return found[0]
    raise ConfigError(
        f"{folder} holds {'several databases' if found else 'no database'} of a repository",
        details="\n".join(one.name for one in found),
        hint="Name the database: NAME.db.tar.zst, or .gz, .xz, .bz2.",
    )


def repo_add_command(
    repo: Repo, packages: Sequence[Path], *, staged: Path, key: str, env: dict[str, str]
) -> Command:
    """Return repo-add on the copies in a staged folder; with a key it signs the database."""
    return Command(
        argv=(
            "repo-add",
            "--nocolor",
            *(("--verify",) if repo.is_signed else ()),
            *(("--sign", "--key", key) if key else ()),
            "--prevent-downgrade",
            str(staged / repo.database),
            *(str(path) for path in packages),
        ),
        cwd=staged,
        env=env,
        hint=REPO_HINT,
    )


def sign_command(path: Path, *, key: str, env: dict[str, str]) -> Command:
    """Return the command that makes a file's detached signature, as pacman wants it."""
    return Command(
        argv=(
            *("gpg", "--batch", "--yes", "--detach-sign", "--no-armor"),
            *("--local-user", key),
            *("--output", f"{path}{SIGNATURE}"),
            "--",
            str(path),
        ),
        env=env,
        hint=GPG_HINT,
    )


def secret_key_command(key: str, *, env: dict[str, str]) -> Command:
    """Return the command that finds a key that can sign; exit code 0 when there is one."""
    return Command(
        argv=("gpg", "--batch", "--list-secret-keys", "--", key),
        env=env,
        accept=frozenset(range(256)),
        hint=GPG_HINT,
    )


def verify_command(path: Path, *, env: dict[str, str]) -> Command:
    """Return the command that checks a file against the signature beside it."""
    return Command(
        argv=("gpg", "--batch", "--verify", "--", f"{path}{SIGNATURE}", str(path)),
        env=env,
        accept=frozenset(range(256)),
        hint=GPG_HINT,
    )


def is_well_signed(runner: Runner, path: Path, *, env: dict[str, str]) -> bool:
    """Tell whether a file's signature is there and is good by the keys of this user."""
    if not path.with_name(path.name + SIGNATURE).is_file():
        return False
    return runner.query(verify_command(path, env=env)).returncode == 0


@contextmanager
def locked(repo: Repo) -> Iterator[None]:
    """Hold a repository alone, against repo-add too; raises HostError when somebody else has it."""
    try:
        handle = os.open(repo.lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError as error:
        holder = repo.lock.read_text(encoding="utf-8", errors="replace").strip() or "unknown"
        raise HostError(
            f"the repository {repo.name} is being changed by another program",
            details=f"{repo.lock} names process {holder}.",
            hint="Wait for it; if no such process lives, remove that file.",
        ) from error
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{os.getpid()}\n")
    try:
        yield
    finally:
        repo.lock.unlink(missing_ok=True)


@contextmanager
def staging(repo: Repo) -> Iterator[Path]:
    """Yield a folder of ours inside the repository's, with copies of its databases."""
    prefix = f".{repo.name}.adding."
    for leftover in repo.folder.glob(f"{prefix}*"):  # of a change that was killed
        files.remove_marked(leftover)
    staged = Path(tempfile.mkdtemp(dir=repo.folder, prefix=prefix))
    files.mark_folder(staged, _STAGED_KIND)
    try:
        for name in (repo.database, repo.file_lists):
            for one in (name, f"{name}{SIGNATURE}"):
                if (repo.folder / one).is_file():
                    shutil.copyfile(repo.folder / one, staged / one)
        yield staged
    finally:
        files.remove_marked(staged)


def publish(repo: Repo, staged: Path, others: Sequence[str]) -> None:
    """Move what was staged into the repository: packages first, the database that names them last.

    After an error the old database is there, with its own signature.
    """
    for name in (*others, f"{repo.file_lists}{SIGNATURE}", repo.file_lists):
        _move(staged, repo.folder, name)
    old = _content(repo.folder / f"{repo.database}{SIGNATURE}")
    try:
        _move(staged, repo.folder, f"{repo.database}{SIGNATURE}")
        _move(staged, repo.folder, repo.database)
    except OSError:
        _restore(repo.folder / f"{repo.database}{SIGNATURE}", old)
        raise
    make_links(repo)


def make_links(repo: Repo) -> None:
    """Let the names under which pacman fetches the databases lead to them."""
    for link, target in repo.links.items():
        _link(repo.folder, link, target)


def _move(staged: Path, folder: Path, name: str) -> None:
    if (staged / name).is_file():
        (staged / name).chmod(0o644)
        (staged / name).replace(folder / name)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _restore(path: Path, content: bytes | None) -> None:
    with suppress(OSError):
        if content is None:
            path.unlink(missing_ok=True)
        else:
            with files.replacing(path) as temporary:
                temporary.write_bytes(content)


def _link(folder: Path, link: str, target: str) -> None:
    """Let a name lead to a file, by rename; where there is no such file, the name goes."""
    place = folder / link
    if not (folder / target).is_file():
        place.unlink(missing_ok=True)
    elif not place.is_symlink() or str(place.readlink()) != target:
        temporary = folder / f".{link}.new"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(place)
