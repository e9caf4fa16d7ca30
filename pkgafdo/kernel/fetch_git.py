"""Kernel source from git: one commit of one branch or tag, cloned without history."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.artifacts import KernelTree
from pkgafdo.errors import ArtifactError, CommandError
from pkgafdo.kernel import fetch_tarball, tree
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.runner.base import Runner

_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")
_ENV: Final = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
"""A repository that wants a password fails at once instead of waiting for one."""
_HINT: Final = "Install git (Arch: git, Debian: git)."
_ON_FAILURE: Final = "Check the URL and the branch."


def ls_remote_command(url: str, branch: str) -> Command:
    """Return the command that asks a repository for the commits of a branch or tag."""
    names = (f"refs/heads/{branch}", f"refs/tags/{branch}", f"refs/tags/{branch}^{{}}")
    return Command(
        argv=("git", "ls-remote", url, *(names if branch else ("HEAD",))),
        env=_ENV,
        timeout=120,
        hint=_HINT,
        on_failure=_ON_FAILURE,
    )


def clone_command(url: str, branch: str, folder: Path) -> Command:
    """Return the command that clones one commit into an empty folder."""
    return Command(
        argv=(
            *("git", "-c", "advice.detachedHead=false", "clone"),
            *("--depth", "1"),
            "--single-branch",
            *(("--branch", branch) if branch else ()),
            *("--", url, str(folder)),
        ),
        env=_ENV,
        log="fetch",
        hint=_HINT,
        on_failure=_ON_FAILURE,
    )


def parse_ls_remote(text: str) -> str | None:
    """Return the commit that ls-remote named, or None.

    A branch goes before a tag of the same name, as in `git clone --branch`; of an annotated tag
    the commit behind it (`^{}`).
    """
    commits = {}
    for line in text.splitlines():
        commit, _, name = line.partition("\t")
        if _COMMIT.fullmatch(commit):
            commits[name] = commit
    for is_it in (_is_branch, _is_peeled, lambda _name: True):
        for name, commit in commits.items():
            if is_it(name):
                return commit
    return None


def _is_branch(name: str) -> bool:
    return name == "HEAD" or name.startswith("refs/heads/")


def _is_peeled(name: str) -> bool:
    return name.endswith("^{}")


def require_commit(runner: Runner, url: str, branch: str) -> str:
    """Return the commit of a branch or tag; raises ArtifactError when there is none."""
    commit = parse_ls_remote(runner.query(ls_remote_command(url, branch)).stdout)
    if commit is None:
        raise ArtifactError(
            f"{url} has no branch or tag “{branch or 'HEAD'}”",
            hint=f"List what it has: git ls-remote --heads --tags {url}",
        )
    return commit


def from_git(runner: Runner, url: str, branch: str, *, cache: Path) -> KernelTree:
    """Return the tree of a branch or tag, cloning it unless that commit is in the cache."""
    commit = require_commit(runner, url, branch)
    key = f"git-{commit[:32]}"
    path = fetch_tarball.find_unpacked(cache, key)
    if path is None:
        log.step(f"cloning {url} {branch}".rstrip())
        path = _clone(runner, url, branch, cache=cache, key=key)
    return KernelTree(
        path=path,
        version=tree.inspect(path).version,
        digest=commit,
        kind="git",
        origin=f"{url}#{branch}" if branch else url,
    )


def _clone(runner: Runner, url: str, branch: str, *, cache: Path, key: str) -> Path:
    folder = fetch_tarball.begin(cache, key)
    try:
        runner.run(clone_command(url, branch, folder))
    except CommandError:
        files.remove_marked(folder.parent)
        raise
    return fetch_tarball.finish(cache, key)
