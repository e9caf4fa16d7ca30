"""Who asked root to work: the user behind sudo, doas or run0."""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING, Final

from pkgafdo.runner.local import Builder

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS: Final = ("SUDO_UID", "PKEXEC_UID")
_NAMES: Final = ("SUDO_USER", "DOAS_USER")
"""sudo(8) and run0(1) set the first of each, pkexec(1) and doas(1) the second."""
_OF_ROOT: Final = frozenset({"HOME", "USER", "LOGNAME", "MAIL", "SHELL"})


def invoking_user(environ: Mapping[str, str], *, euid: int) -> Builder | None:
    """Return the user whom root works for; None when we are that user, or nobody stands behind us."""
    if euid != 0:
        return None
    entry = _entry(environ)
    if entry is None or entry.pw_uid == 0:
        return None
    return Builder(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=entry.pw_dir)


def user_environment(environ: Mapping[str, str], invoker: Builder | None) -> dict[str, str]:
    """Return the environment for a command of the user's: ours, without what is root's alone."""
    if invoker is None:
        return dict(environ)
    own = {"HOME": invoker.home, "USER": invoker.name, "LOGNAME": invoker.name}
    return {name: value for name, value in environ.items() if name not in _OF_ROOT} | own


def _entry(environ: Mapping[str, str]) -> pwd.struct_passwd | None:
    try:
        for name in _NUMBERS:
            if environ.get(name, "").isdecimal():
                return pwd.getpwuid(int(environ[name]))
        for name in _NAMES:
            if environ.get(name):
                return pwd.getpwnam(environ[name])
    except KeyError:  # a variable that names nobody
        return None
    return None
