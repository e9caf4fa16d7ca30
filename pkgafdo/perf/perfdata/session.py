"""Going through a recording's records: samples to the counter, the rest into what is known."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.finder import Finder
from pkgafdo.perf.perfdata.formats import PIPE_HEADER_SIZE, RECORD_HEADER_SIZE, Record
from pkgafdo.perf.perfdata.inflate import Inflater
from pkgafdo.perf.perfdata.known import Known, u64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.attrs import EventAttr
    from pkgafdo.perf.perfdata.counter import Counter

_HEADER: Final = struct.Struct("<IHH")
_INFLATED_AT_ONCE: Final = 1 << 20
_COMPRESSED: Final = (Record.COMPRESSED, Record.COMPRESSED2)
_FOLLOWED_BY_DATA: Final = (Record.AUXTRACE, Record.TRACING_DATA)


@dataclass(slots=True)
class Session:
    """A recording that is being read.

    skip is the number of bytes to come that are no records, offset where in the recording the data
    that is scanned now begins, place where the record that is looked at lies, in words. inside says
    that it was compressed.
    """

    counter: Counter
    finder: Finder = field(default_factory=Finder)
    known: Known = field(default_factory=Known)
    skip: int = 0
    offset: int = PIPE_HEADER_SIZE
    place: str = ""
    inside: bool = False
    inflater: Inflater | None = None
    inflated: bytearray = field(default_factory=bytearray)

    def add_events(self, attrs: Sequence[EventAttr]) -> None:
        """Take in the descriptions of events."""
        self.known.attrs.extend(attrs)
        self.finder.set_events(self.known.attrs)

    def scan(self, data: NDArray[np.uint8], stop: int) -> int:
        """Go through the records of data[:stop]; returns where the first incomplete one begins.

        `data` is a multiple of eight bytes long.
        """
        at = self._skip(0, stop)
        while True:
            at, record = self._find(data, at, stop)
            if record is None:
                self.offset += at
                return at
            self._take_in(record)
            at = self._skip(at + len(record), stop)

    def finish(self) -> None:
        """Go through what is left of the compressed records."""
        self._scan_inflated()
        if self.inflated:
            raise damaged(f"Its compressed part ends within a record ({len(self.inflated)} bytes).")
        if self.skip:
            raise damaged(f"{self.skip} bytes of trace data are missing.")

    def _skip(self, at: int, stop: int) -> int:
        passed = min(self.skip, stop - at)
        self.skip -= passed
        return at + passed

    def _find(self, data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, bytes | None]:
        """Count the samples from `at` on; returns the next record of another kind."""
        why = st.FULL
        while why == st.FULL:
            why, at, places = self.finder.find(data, at, stop)
            if len(places):
                self.counter.count(data.view(np.uint64), places)
        if why == st.MORE:
            return at, None
        self.place = "in the compressed part" if self.inside else f"at byte {self.offset + at}"
        kind, _, size = _HEADER.unpack(data[at : at + RECORD_HEADER_SIZE].tobytes())
        if why == st.BAD:
            hint = "" if self.known.attrs else " It comes before any event is described."
            raise damaged(
                f"A record of type {kind} and {size} bytes {self.place} contradicts itself.{hint}"
            )
        return at, data[at : at + size].tobytes()

    def _take_in(self, record: bytes) -> None:
        kind = _HEADER.unpack_from(record)[0]
        try:
            if kind in _COMPRESSED:
                self._inflate(kind, record)
            elif kind == Record.AUXTRACE:
                self.skip = u64(record, 8)
            elif kind == Record.TRACING_DATA:
                self.skip = (struct.unpack_from("<I", record, 8)[0] + 7) & ~7
            else:
                self._learn(kind, record)
        except struct.error as error:
            raise damaged(
                f"A record of type {kind} {self.place} has only {len(record)} bytes."
            ) from error

    def _learn(self, kind: int, record: bytes) -> None:
        known = self.known
        kernel = known.kernel
        known.take_in(kind, record)
        if kind == Record.ATTR:
            self.finder.set_events(known.attrs)
        if known.kernel is not None and kernel is None:
            self.counter.set_base(known.kernel.address)

    def _inflate(self, kind: int, record: bytes) -> None:
        content = record[RECORD_HEADER_SIZE:]
        if kind == Record.COMPRESSED2:
            content = record[16 : 16 + u64(record, 8)]
        if self.inflater is None:
            self.inflater = Inflater()
        for piece in self.inflater.pieces(content):
            self.inflated += piece
            if len(self.inflated) >= _INFLATED_AT_ONCE:
                self._scan_inflated()

    def _scan_inflated(self) -> None:
        """Go through the decompressed records; what is left is the beginning of the next."""
        size = len(self.inflated)
        data = np.zeros((size + 7) & ~7, dtype=np.uint8)
        data[:size] = np.frombuffer(self.inflated, dtype=np.uint8)
        self.inside = True
        at, record = self._find(data, 0, size)
        while record is not None:
            if _HEADER.unpack_from(record)[0] in (*_COMPRESSED, *_FOLLOWED_BY_DATA):
                raise damaged("A compressed record holds what only stands outside of them.")
            self._take_in(record)
            at, record = self._find(data, at + len(record), size)
        self.inflated = bytearray(data[at:size].tobytes())
        self.inside = False
