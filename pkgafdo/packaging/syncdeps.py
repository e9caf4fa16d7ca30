"""How makepkg meets a package's makedepends, and what it means when pacman's sandbox forbids it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SANDBOX: Final = re.compile(
    r"switching to sandbox user|Landlock|restricting (?:filesystem access|syscalls) failed"
)
"""How pacman 7 says that it cannot lock itself in before it downloads (lib/libalpm/sandbox*.c)."""


def dependency_options(*, has_pacman_database: bool) -> tuple[str, ...]:
    """Return how makedepends are met; without a database every one of them would seem missing."""
    return ("--syncdeps", "--noconfirm") if has_pacman_database else ("--nodeps",)


@contextmanager
def sandbox_told() -> Iterator[None]:
    """Give a failed command another next move when it was pacman's sandbox that failed."""
    try:
        yield
    except CommandError as error:
        if _SANDBOX.search(error.details):
            error.hint = (
                "pacman cannot lock itself in on this kernel or in this container, so makepkg cannot "
                "install what the build needs. Install that first as root with "
                "`pacman -S --disable-sandbox …`, or, if you accept downloads without a sandbox, set "
                "DisableSandbox in /etc/pacman.conf."
            )
        raise
