"""A folder that every user can reach, pkgafdo in it, and the fake trees that it is given."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.users import BUILD_USER
from tests.fakes.toy_kernel import make_toy
from tests.integration.cli.program import Pkgafdo

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDED = ("make", "makepkg", "bsdtar", "fakeroot", "pacman", "depmod", "unshare")


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where the real programs are missing."""
    absent = [name for name in _NEEDED if shutil.which(name, path="/usr/bin:/usr/sbin") is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
    if os.geteuid() == 0 and BUILD_USER not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip(f"there is no build user {BUILD_USER}: run scripts/setup")


def open_folder() -> Iterator[Path]:
    """Yield a folder that the build user can reach (pytest's own are private)."""
    with tempfile.TemporaryDirectory(prefix="pkgafdo-test-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def folder(able: None) -> Iterator[Path]:
    """A folder of this test alone."""
    yield from open_folder()


@pytest.fixture(scope="module")
def shared_folder(able: None) -> Iterator[Path]:
    """A folder of all tests of a module."""
    yield from open_folder()


@pytest.fixture
def pkgafdo(folder: Path) -> Pkgafdo:
    """The command line, with nothing around it but what the machine has."""
    return Pkgafdo(folder=folder)


@pytest.fixture
def toy(folder: Path) -> Path:
    """A toy kernel's tree."""
    return make_toy(folder / "src/linux")
