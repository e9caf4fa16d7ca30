"""Which source it is: a git commit with its changes, a digest over a list of files, a tarball's."""

from __future__ import annotations

import hashlib
import os
import stat
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

    Tracked files count by their content; untracked ones by name, size and time, as in
    `folder_digest`; ignored ones do not. `git diff` is not asked: it may refresh the index.
    """
    commit = runner.query(git_command(tree, "rev-parse", "HEAD")).stdout.strip()
    words = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    entries = runner.query(git_command(tree, *words)).stdout.split("\0")
    changes = "".join(line for entry in sorted(entries) if entry for line in _change(tree, entry))
    if not changes:
        return commit
    digest = hashlib.sha256(changes.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{commit}-dirty-{digest[:16]}"


def _change(tree: Path, entry: str) -> Iterator[str]:
    """Yield what identifies one changed file; entry is git's: two letters, a space, the path."""
    name = entry[3:]
    path = tree / name
    try:
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):  # a repository inside the tree
            yield from _entries(str(path), f"{name.rstrip('/')}/")
        elif stat.S_ISREG(status.st_mode) and not entry.startswith("??"):
            yield f"{name}\0{status.st_mode & 0o111:o}\0{files.sha256_file(path)}\n"
        else:
            yield _line(name, status)
    except OSError:  # deleted, or not named in UTF-8
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
