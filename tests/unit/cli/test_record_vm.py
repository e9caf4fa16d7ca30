"""What a command in the VM prints, on its way to the terminal."""

from __future__ import annotations

import errno
import io
from types import SimpleNamespace

import pytest

from pkgafdo.cli.record_vm import pass_on


class Gone(io.BytesIO):
    """A terminal that was closed, or a disk that is full."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def flush(self) -> None:
        raise OSError(self.number, "gone")


def test_a_terminal_that_was_closed_does_not_end_a_recording(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr", SimpleNamespace(buffer=Gone(errno.EIO)))
    pass_on(b"text")


def test_a_full_disk_is_not_passed_over(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr", SimpleNamespace(buffer=Gone(errno.ENOSPC)))
    with pytest.raises(OSError, match="gone"):
        pass_on(b"text")
