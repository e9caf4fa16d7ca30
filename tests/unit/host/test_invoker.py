"""Who stands behind root."""

from __future__ import annotations

import os
import pwd

import pytest

from pkgafdo.host.invoker import invoking_user, user_environment

OTHER = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)


@pytest.mark.parametrize(
    "environ",
    [
        {"SUDO_UID": str(OTHER.pw_uid)},
        {"PKEXEC_UID": str(OTHER.pw_uid)},
        {"DOAS_USER": OTHER.pw_name},
        {"SUDO_USER": OTHER.pw_name},
    ],
)
def test_the_user_behind_root_is_found(environ: dict[str, str]) -> None:
    found = invoking_user(environ, euid=0)
    assert found is not None
    assert (found.name, found.uid) == (OTHER.pw_name, OTHER.pw_uid)
    assert found.home == OTHER.pw_dir


@pytest.mark.parametrize(
    "environ",
    [{}, {"SUDO_UID": "0"}, {"SUDO_UID": "none"}, {"SUDO_UID": "4123456789"}, {"DOAS_USER": "?"}],
)
def test_nobody_stands_behind_root(environ: dict[str, str]) -> None:
    assert invoking_user(environ, euid=0) is None


def test_a_user_is_not_changed_by_what_the_environment_says() -> None:
    assert invoking_user({"SUDO_UID": str(OTHER.pw_uid)}, euid=os.getuid() + 1) is None


def test_a_command_of_the_user_behind_root_has_their_environment() -> None:
    invoker = invoking_user({"SUDO_UID": str(OTHER.pw_uid)}, euid=0)
    environ = {"HOME": "/root", "USER": "root", "MAIL": "/root/mail", "SHELL": "x", "LANG": "C"}
    assert user_environment(environ, invoker) == {
        "LANG": "C", "HOME": OTHER.pw_dir, "USER": OTHER.pw_name, "LOGNAME": OTHER.pw_name,
    }  # fmt: skip
    assert user_environment(environ, None) == environ
