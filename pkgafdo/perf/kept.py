"""Keeping the recording itself: a copy of the stream in a file, with an end in time."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from pkgafdo import log

if TYPE_CHECKING:
    from pathlib import Path

_HEAD: Final = struct.Struct("<IHH")
_PIPE_HEADER: Final = 16
_RESERVE: Final = 256 << 20
"""Bytes of a disk that we leave to others."""
_CHECK_EVERY: Final = 16 << 20


@dataclass(slots=True, kw_only=True)
class KeptFile:
    """A copy of a recording in the making; `limit` is its largest size in bytes.

    When it is reached, or the disk is nearly full, the copy ends after its last whole record, and the
    recording goes on without it.
    """

    path: Path
    limit: int
    reserve: int = _RESERVE
    size: int = 0
    ended: str = ""
    _stream: BinaryIO | None = None
    _checked: int = field(default=-_CHECK_EVERY)

    def open(self) -> None:
        """Create the file, readable by its owner alone, as perf makes it."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._stream = os.fdopen(handle, "wb", buffering=0)

    def write(self, chunk: memoryview) -> None:
        """Add a piece of the recording, unless the copy has ended."""
        if self._stream is None:
            return
        if self.size + len(chunk) > self.limit:
            # What a pipe gives at once may be more than the whole limit.
            self._try_to_write(self._stream, chunk[: self.limit - self.size])
            if not self.ended:
                self._end(f"it reached {_mib(self.limit)}")
        elif self._is_disk_full():
            self._end(f"the disk has less than {_mib(self.reserve)} left")
        else:
            self._try_to_write(self._stream, chunk)

    def close(self) -> None:
        """End the copy in the regular way."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _try_to_write(self, stream: BinaryIO, chunk: memoryview) -> None:
        try:
            while chunk:
                written = stream.write(chunk)
                self.size += written
                chunk = chunk[written:]
        except OSError as error:
            self._end(error.strerror or str(error))

    def _is_disk_full(self) -> bool:
        if self.size - self._checked < _CHECK_EVERY:
            return False
        self._checked = self.size
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize < self.reserve

    def _end(self, why: str) -> None:
        self.close()
        self.ended = why
        self.size = whole_records(self.path)
        os.truncate(self.path, self.size)
        log.warn(f"the copy {self.path} ends here: {why}; the recording goes on without it")


def whole_records(path: Path) -> int:
    """Return how many bytes of a recording of a pipe are whole records."""
    at = min(_PIPE_HEADER, path.stat().st_size)
    end = path.stat().st_size
    with path.open("rb") as stream:
        while True:
            stream.seek(at)
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return at
            size = _HEAD.unpack(head)[2]
            if size < _HEAD.size or at + size > end:
                return at
            at += size


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB"
