from __future__ import annotations

import pytest
from pydantic import ValidationError

from pkgafdo.packaging.settings import BuildSettings


@pytest.mark.parametrize("pkgbase", ["linux-pkgafdo", "linux", "linux-6.18+x@y_z", "_x"])
def test_pacmans_names_are_accepted(pkgbase):
    assert BuildSettings(pkgbase=pkgbase).pkgbase == pkgbase


@pytest.mark.parametrize("pkgbase", ["", "Linux", "-linux", ".linux", "linux kernel", "a/b", "ä"])
def test_other_names_are_refused(pkgbase):
    with pytest.raises(ValidationError):
        BuildSettings(pkgbase=pkgbase)


@pytest.mark.parametrize(
    "fields",
    [
        {"jobs": -1},
        {"user": "root"},
        {"user": "a b"},
        {"pkgext": ".tar.zst"},
        {"pkgext": ".pkg.tar.rar"},
        {"makepkg_options": ("--config a",)},
        {"makepkg_options": ("$(id)",)},
        {"makepkg_options": ("",)},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(fields):
    with pytest.raises(ValidationError):
        BuildSettings(**fields)


def test_makepkgs_options_are_words():
    options = ("--config=/etc/my-makepkg.conf", "--nocolor")
    assert BuildSettings(makepkg_options=options).makepkg_options == options
