"""The command line sets up the terminal; each test gets one of its own."""

from __future__ import annotations

import pytest

import pkgafdo.runner.local  # noqa: F401  plumbum asks uname(1) when it is imported: not within a test
from pkgafdo import log


@pytest.fixture(autouse=True)
def _own_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_terminal", log.Terminal())
