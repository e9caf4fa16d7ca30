"""The error classes and what they carry."""

from __future__ import annotations

import pytest

from pkgafdo import errors as subject


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (subject.PkgafdoError, 1),
        (subject.ConfigError, 2),
        (subject.HostError, 3),
        (subject.CommandError, 4),
        (subject.ArtifactError, 5),
        (subject.WaitingError, 6),
    ],
)
def test_each_class_has_the_exit_code_of_the_contract(kind, code: int) -> None:
    assert kind("x").exit_code == code


def test_an_error_carries_message_details_and_hint() -> None:
    error = subject.HostError("no clang", details="looked in /usr/bin", hint="install it")
    assert (str(error), error.details, error.hint) == (
        "no clang",
        "looked in /usr/bin",
        "install it",
    )


def test_a_command_error_says_which_command_and_how_it_ended() -> None:
    error = subject.CommandError("make failed", command="make -j2", returncode=2)
    assert (error.message, error.command, error.returncode) == ("make failed", "make -j2", 2)
    assert isinstance(error, subject.PkgafdoError)
