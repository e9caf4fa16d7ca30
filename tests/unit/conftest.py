"""Unit tests start no process and open no connection; a stray one is an error here."""

from __future__ import annotations

import socket
import subprocess  # noqa: TID251  only to forbid it
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def _refuse(_: object, *args, **kwargs) -> NoReturn:
    raise AssertionError(f"a unit test reached outside: {args!r}")


@pytest.fixture(autouse=True, scope="package")
def _no_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as forbidden:
        forbidden.setattr(subprocess.Popen, "__init__", _refuse)
        forbidden.setattr(socket.socket, "connect", _refuse)
        yield
