"""Compressed records: one zstd stream, cut into pieces, that holds more records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.errors import HostError
from pkgafdo.perf.perfdata.damage import damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLICE: Final = 512
"""Bytes that are handed to zstd at once. A block of four bytes may stand for 128 KiB, so that even a
malicious slice gives no more than some 16 MiB."""
_LARGEST_WINDOW: Final = 1 << 27
_LARGEST_RATIO: Final = 2000
_ALWAYS_ALLOWED: Final = 1 << 28
"""Real recordings shrink to a tenth; one that grows beyond both limits was made to fill memory."""


def _new_stream() -> Any:  # noqa: ANN401  zstandard's object has no public type
    try:
        import zstandard
    except ImportError as error:
        raise HostError(
            "The recording is compressed, and the Python package zstandard is not installed",
            hint="Install it (Arch: python-zstandard, Debian: python3-zstandard).",
        ) from error
    return zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).decompressobj()


@dataclass(slots=True)
class Inflater:
    """The state of decompression between records."""

    stream: Any = field(default_factory=_new_stream)
    taken: int = 0
    given: int = 0

    def pieces(self, content: bytes) -> Iterator[bytes]:
        """Yield what a record's content stands for, in pieces of bounded size."""
        import zstandard

        try:
            for at in range(0, len(content), _SLICE):
                yield from self._piece(content[at : at + _SLICE])
        except (zstandard.ZstdError, MemoryError) as error:
            raise damaged(f"A compressed record cannot be decompressed: {error}.") from error

    def _piece(self, content: bytes) -> Iterator[bytes]:
        while content:
            if self.stream.eof:
                self.stream = _new_stream()
            piece = self.stream.decompress(content)
            rest = self.stream.unused_data
            self.taken += len(content) - len(rest)
            self.given += len(piece)
            if self.given > max(_ALWAYS_ALLOWED, _LARGEST_RATIO * self.taken):
                raise damaged(f"{self.taken} compressed bytes stand for more than {self.given}.")
            if piece:
                yield piece
            content = rest
