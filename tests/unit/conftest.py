"""Unit tests start no process and open no connection; a stray one is an error here."""

from __future__ import annotations

import socket
import subprocess  # noqa: TID251  only to forbid it
from typing import NoReturn

import pytest


def _refuse(*args, **kwargs) -> NoReturn:
    raise AssertionError(f"a unit test reached outside: {args!r}")


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess.Popen, "__init__", _refuse)
    monkeypatch.setattr(socket.socket, "connect", _refuse)
