"""A runner for real programs, and a folder that the build user can reach."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.facts import read_facts
from pkgafdo.host.users import require_builder
from pkgafdo.runner.local import LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

FACTS = read_facts()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="pkgafdo-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def runner(open_folder: Path) -> LocalRunner:
    """This machine, with the build user to drop to when we are root."""
    return LocalRunner(
        env=FACTS.environment, logs=open_folder / "logs", builder=require_builder(FACTS.euid)
    )
