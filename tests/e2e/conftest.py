"""The one work folder of the end-to-end run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.spine import Spine
from tests.integration.cli.conftest import able
from tests.integration.cli.program import Pkgafdo

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["able"]

ARGUMENTS: Final = ("--propeller", "--set", 'kernel.fragments=["virtme"]')
"""Three kernels, which can also run commands of this machine (`record --vm -- COMMAND`)."""


@pytest.fixture(scope="module")
def unfinished(able: None) -> Iterator[Spine]:
    """A work folder: $PKGAFDO_E2E_WORKDIR, which is kept, or a fresh one below /var/tmp.

    A fresh one has a cache of its own, so that the source is really fetched.
    """
    if place := os.environ.get("PKGAFDO_E2E_WORKDIR"):
        with tempfile.TemporaryDirectory(prefix="pkgafdo-e2e-") as name:
            yield Spine(
                pkgafdo=Pkgafdo(folder=Path(name), own_cache=False),
                work=Path(place).absolute(),
                arguments=ARGUMENTS,
            )
        return
    folder = Path(tempfile.mkdtemp(prefix="pkgafdo-e2e-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield Spine(pkgafdo=Pkgafdo(folder=folder), work=folder / "work", arguments=ARGUMENTS)
    shutil.rmtree(folder)
