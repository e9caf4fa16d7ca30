"""What may be asked of the route."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pkgafdo.packaging.package_settings import PackageSettings


def test_the_route_of_before_is_the_default() -> None:
    assert PackageSettings().route == "pacman-pkg"


@pytest.mark.parametrize(
    "changes",
    [
        {"route": "pkgbuild"},
        {"route": "ebuild"},
        {"route": "pkgbuild", "folder": "-x"},
        {"folder": "a\nb"},
        {"pkgdest": "--config=/x"},
        {"gpgkey": "-x"},
        {"gpgkey": "a\nb"},
        {"nonsense": 1},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PackageSettings(**changes)


def test_a_key_is_a_fingerprint_or_an_address() -> None:
    assert PackageSettings(gpgkey="Jane Doe <jane@example.org>").gpgkey
    assert PackageSettings(gpgkey="ABAF11C65A2970B130ABE3C479BE3E4300411886").gpgkey
