"""How makedepends are met, and pacman's sandbox where it cannot be."""

from __future__ import annotations

import pytest

from pkgafdo.errors import CommandError
from pkgafdo.packaging.syncdeps import dependency_options, sandbox_told


def test_dependencies_are_installed_only_where_pacman_knows_them():
    assert dependency_options(has_pacman_database=True) == ("--syncdeps", "--noconfirm")
    assert dependency_options(has_pacman_database=False) == ("--nodeps",)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("error: switching to sandbox user 'alpm' failed!", True),
        ("error: restricting syscalls failed because of something", True),
        ("error: restricting filesystem access failed because Landlock is not supported", True),
        ("error: target not found: pahole", False),
    ],
)
def test_a_sandbox_that_fails_has_a_next_move_of_its_own(says, told):
    with pytest.raises(CommandError) as caught, sandbox_told():
        raise CommandError("makepkg failed", details=says, hint="Look into the log.")
    assert ("DisableSandbox" in caught.value.hint) == told
    assert ("Look into the log." in caught.value.hint) != told
