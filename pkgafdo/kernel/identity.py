"""Which source it is: a git commit with its changes, a digest over a list of files, a tarball's."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from pkgafdo import files
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pkgafdo.runner.base import Runner


def _entries(folder: str, prefix: str) -> Iterator[str]:
    """Yield path, size and modification time of every file below a folder, in a fixed order."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if entry.name != ".git":
                yield from _entries(entry.path, f"{name}/")
        else:
            yield _line(name, entry.stat(follow_symlinks=False))


def _line(name: str, status: os.stat_result) -> str:
    return f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"


def folder_digest(path: Path) -> str:
    """Return a SHA-256 over name, size and modification time of every file of a folder.

    The contents are not read: a kernel tree has 90 000 files, and this runs before every build.
    """
    digest = hashlib.sha256()
    for line in _entries(str(path), ""):
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def git_command(tree: Path, *words: str) -> Command:
    """Return a git command that looks into a tree, whoever owns it, and leaves its index be."""
    return Command(
        argv=(
            "git",
            "--no-optional-locks",
            *("-c", f"safe.directory={tree}"),
            *("-c", "core.fsmonitor=false"),
            *("-C", str(tree)),
            *words,
        ),
        hint="Install git (Arch: git, Debian: git).",
    )


def git_digest(runner: Runner, tree: Path) -> str:
    """Return the commit that is checked out, with a digest of what was changed since.

    An untracked file counts by name, size and time, as in `folder_digest`; ignored files do not.
    """
    commit = runner.query(git_command(tree, "rev-parse", "HEAD")).stdout.strip()
    changes = runner.query(git_command(tree, "diff", "--no-ext-diff", "HEAD")).stdout
    listed = git_command(tree, "ls-files", "--others", "--exclude-standard", "-z")
    untracked = "".join(_untracked(tree, runner.query(listed).stdout.split("\0")))
    if not changes and not untracked:
        return commit
    digest = hashlib.sha256((changes + untracked).encode("utf-8", "surrogateescape"))
    return f"{commit}-dirty-{digest.hexdigest()[:16]}"


def _untracked(tree: Path, names: list[str]) -> Iterator[str]:
    for name in sorted(filter(None, names)):
        path = tree / name
        if path.is_dir() and not path.is_symlink():  # a repository inside the tree
            yield from _entries(str(path), name)
        else:
            try:
                yield _line(name, path.lstat())
            except OSError:  # gone meanwhile, or not named in UTF-8
                yield f"{name}\n"


def tarball_identity(path: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tarball's SHA-256 with its size, time and inode, JSON-plain.

    It is read only when one of them differs from what is known of it.
    """
    status = path.stat()
    found = {
        "path": str(path),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "inode": status.st_ino,
    }
    if known.items() >= found.items() and "sha256" in known:
        return dict(known)
    return found | {"sha256": files.sha256_file(path)}


def identify(runner: Runner, tree: Path) -> tuple[str, str]:
    """Return the digest of a folder's source and its kind: `git` or `folder`."""
    if (tree / ".git").exists() and runner.which("git") is not None:
        return git_digest(runner, tree), "git"
    return folder_digest(tree), "folder"
