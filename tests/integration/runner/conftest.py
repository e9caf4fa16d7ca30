"""A runner on this machine whose children see nothing of the tests' own environment."""

from __future__ import annotations

import os

import pytest

from pkgafdo.runner.local import LocalRunner


@pytest.fixture
def runner(tmp_path) -> LocalRunner:
    return LocalRunner(
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        logs=tmp_path / "logs",
        running=tmp_path / "running",
    )
