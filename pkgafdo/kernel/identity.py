"""Which source a tree is: a git commit with its changes, or a digest over its list of files."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
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
            status = entry.stat(follow_symlinks=False)
            yield f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"


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
    """Return the commit that is checked out, with a digest of what was changed since."""
    commit = runner.query(git_command(tree, "rev-parse", "HEAD")).stdout.strip()
    status = runner.query(git_command(tree, "status", "--porcelain")).stdout
    if not status:
        return commit
    changes = runner.query(git_command(tree, "diff", "--no-ext-diff", "HEAD")).stdout
    # status names the untracked files, which diff does not show.
    return f"{commit}-dirty-{hashlib.sha256((status + changes).encode()).hexdigest()[:16]}"


def identify(runner: Runner, tree: Path) -> tuple[str, str]:
    """Return the digest of a folder's source and its kind: `git` or `folder`."""
    if (tree / ".git").exists() and runner.which("git") is not None:
        return git_digest(runner, tree), "git"
    return folder_digest(tree), "folder"
