"""Reading a .SRCINFO."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.srcinfo import render_srcinfo
from pkgafdo.packaging.srcinfo_read import read_srcinfo
from tests.unit.packaging.pkgbuilds import pkgbuild, second_round


def test_what_we_write_is_read_back() -> None:
    model = second_round()
    read = read_srcinfo(render_srcinfo(model))
    assert (read.pkgbase, read.version) == ("linux-mine", "6.18.54-2")
    assert read.packages == ("linux-mine", "linux-mine-headers", "linux-mine-debug")
    assert read.sources == tuple(entry.name for entry in model.sources())


def test_what_describes_no_package_is_refused() -> None:
    text = render_srcinfo(pkgbuild()).replace("pkgver = ", "version = ")
    with pytest.raises(ArtifactError) as caught:
        read_srcinfo(text)
    assert "It lacks pkgver." in caught.value.details
