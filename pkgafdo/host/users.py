"""The unprivileged user that builds when pkgafdo runs as root, and what it can reach."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import Builder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

BUILD_USER: Final = "pkgafdo-build"
_ROOT_PREFIXES: Final = (("sudo", "--"), ("run0",), ("doas",))


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file's path, owner and mode: what decides who may use it."""

    path: Path
    uid: int
    gid: int
    mode: int


def require_builder(euid: int, name: str = BUILD_USER) -> Builder | None:
    """Return the user to build as; None when we are unprivileged already.

    Raises HostError when we are root and there is no such user: makepkg refuses root.
    """
    if euid != 0:
        return None
    builder = known_user(name)
    if builder is None:
        raise HostError(
            f"makepkg does not run as root, and there is no build user “{name}”",
            details=f"Looked up “{name}” in the user database.",
            hint=f"Run scripts/setup, or `{useradd_line(name)}`; or run pkgafdo as your own user.",
        )
    if builder.uid == 0:
        raise HostError(
            f"the build user “{name}” is root itself",
            hint="Name an unprivileged user in build.user.",
        )
    return builder


def known_user(name: str) -> Builder | None:
    """Return a user of this machine by name; None where there is none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Builder(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=entry.pw_dir)


def useradd_line(user: str) -> str:
    """Return the shell line that makes the build user."""
    return (
        f"useradd --system --create-home --home-dir /var/lib/{user} "
        f"--shell /usr/sbin/nologin {user}"
    )


def root_prefix(euid: int, which: Callable[[str], str | None]) -> tuple[str, ...] | None:
    """Return the prefix that gains root for one command: empty for root, None when there is none."""
    if euid == 0:
        return ()
    return next((prefix for prefix in _ROOT_PREFIXES if which(prefix[0])), None)


def silent_root_command(prefix: tuple[str, ...], *, afresh: bool = False) -> Command:
    """Return the command that fails where gaining root would ask for a password; pure.

    afresh: a password that sudo remembers does not count (sudo(8), -k).
    """
    quiet = "--no-ask-password" if prefix[0] == "run0" else "-n"  # run0(1), sudo(8), doas(1)
    forgetting = ("-k",) if afresh and prefix[0] == "sudo" else ()
    return Command(
        argv=(prefix[0], *forgetting, quiet, "true"), accept=frozenset(range(256)), timeout=10
    )


def groups_of(builder: Builder) -> frozenset[int]:
    """Return all groups of a user."""
    return frozenset(os.getgrouplist(builder.name, builder.gid))


def first_closed(folders: Iterable[Entry], *, uid: int, gids: frozenset[int]) -> Path | None:
    """Return the first folder that this user may not pass through, by its mode bits."""
    for folder in folders:
        if not _permits(folder, stat.S_IXUSR, uid=uid, gids=gids):
            return folder.path
    return None


def _permits(entry: Entry, bit: int, *, uid: int, gids: frozenset[int]) -> bool:
    """Tell whether the mode grants the right that `bit` is for the owner (path_resolution(7))."""
    if uid == entry.uid:
        return bool(entry.mode & bit)
    if entry.gid in gids:
        return bool(entry.mode & bit >> 3)
    return bool(entry.mode & bit >> 6)


def closed_folder(path: Path, builder: Builder) -> Path | None:
    """Return the folder that keeps the build user from a path: one above it, or itself; or None.

    What does not exist yet is taken to be made with the rights that it needs.
    """
    place = path.resolve()
    chain = [_entry(parent) for parent in (*reversed(place.parents), place) if parent.is_dir()]
    return first_closed(chain, uid=builder.uid, gids=groups_of(builder))


def _entry(path: Path) -> Entry:
    found = path.stat()
    return Entry(path=path, uid=found.st_uid, gid=found.st_gid, mode=found.st_mode)
