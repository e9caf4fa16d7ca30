"""The unprivileged user that makepkg needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pkgafdo import files
from pkgafdo.errors import HostError
from pkgafdo.runner.local import Builder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from pwd import struct_passwd


def require_builder(
    user: str, *, euid: int, lookup: Callable[[str], struct_passwd]
) -> Builder | None:
    """Return the user to drop to: None when we are unprivileged already.

    lookup is `pwd.getpwnam`. Raises HostError when we are root and the user is missing or root.
    """
    if euid != 0:
        return None
    try:
        entry = lookup(user)
    except KeyError:
        raise HostError(
            f"makepkg does not run as root, and the build user “{user}” does not exist",
            details=f"Looked up “{user}” in the user database.",
            hint=f"Run scripts/setup, or `{useradd_line(user)}`; or run pkgafdo as your own user.",
        ) from None
    if entry.pw_uid == 0:
        raise HostError(
            f"the build user “{user}” is root under another name",
            details=f"Its user id is {entry.pw_uid}.",
            hint="Name an unprivileged user in build.user.",
        )
    return Builder(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=entry.pw_dir)


def useradd_line(user: str) -> str:
    """Return the shell line that makes the build user."""
    return (
        f"useradd --system --create-home --home-dir /var/lib/{user} "
        f"--shell /usr/sbin/nologin {user}"
    )


def give(path: Path, builder: Builder | None) -> None:
    """Make a folder or file the build user's, so that the build can write there."""
    if builder is not None:
        os.chown(path, builder.uid, builder.gid)


def make_folder(path: Path, kind: str, builder: Builder | None) -> Path:
    """Create, or accept, a marked folder that the build user can write to and reach.

    Raises ConfigError when the folder belongs to something else.
    """
    files.mark_folder(path, kind)
    give(path, builder)
    return path
