"""A folder with somebody's PKGBUILD, before anything of it is run."""

from __future__ import annotations

from pathlib import PosixPath

import pytest

from pkgafdo.errors import ArtifactError, ConfigError, HostError
from pkgafdo.workflows.pkgbuild_reading import read_content


class Forbidden(PosixPath):
    """A path that its user may not read."""

    def read_bytes(self) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))


def test_a_pkgbuild_that_may_not_be_read_is_said_to_be_so(tmp_path) -> None:
    (tmp_path / "PKGBUILD").write_text("pkgver=1\n")
    with pytest.raises(HostError, match="PKGBUILD cannot be read") as caught:
        read_content(Forbidden(tmp_path))
    assert caught.value.details == "Permission denied"


def test_no_pkgbuild_and_no_text_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="holds no PKGBUILD"):
        read_content(tmp_path)
    (tmp_path / "PKGBUILD").write_bytes(b"a\0b")
    with pytest.raises(ArtifactError, match="NUL"):
        read_content(tmp_path)
