"""Going through a recording's records: samples to the counters, the rest into facts."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.attrs import parse_attr
from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.features import Facts
from pkgafdo.perf.perfdata.finder import Finder
from pkgafdo.perf.perfdata.formats import RECORD_HEADER_SIZE, Record
from pkgafdo.perf.perfdata.inflate import Inflater
from pkgafdo.perf.perfdata.mappings import kernel_mapping, module_name, parse_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.attrs import EventAttr
    from pkgafdo.perf.perfdata.mappings import CodeMapping, KernelMapping
    from pkgafdo.perf.perfdata.pool import CountingPool, Job

_HEADER: Final = struct.Struct("<IHH")
_INFLATED_AT_ONCE: Final = 1 << 20


@dataclass(slots=True)
class Session:
    """What is known so far of a recording that is being read."""

    pool: CountingPool
    finder: Finder = field(default_factory=Finder)
    attrs: list[EventAttr] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    kernel: KernelMapping | None = None
    modules: dict[str, CodeMapping] = field(default_factory=dict)
    lost: int = 0
    skip: int = 0
    inflater: Inflater | None = None
    inflated: bytearray = field(default_factory=bytearray)

    def add_events(self, attrs: Sequence[EventAttr]) -> None:
        """Take in the descriptions of events."""
        self.attrs.extend(attrs)
        self.finder.set_events(self.attrs)

    def scan(self, data: NDArray[np.uint8], stop: int, jobs: list[Job]) -> int:
        """Go through the records of data[:stop]; returns where the first incomplete one begins.

        Appends to `jobs` what still reads `data`. `data` is a multiple of eight bytes long.
        """
        at = min(self.skip, stop)
        self.skip -= at
        while True:
            at, record = self._find(data, at, stop, jobs)
            if record is None:
                return at
            at += len(record)
            self._take_in(record)
            passed = min(self.skip, stop - at)
            self.skip -= passed
            at += passed

    def finish(self) -> None:
        """Go through what is left of the compressed records, and wait for the counters."""
        self._scan_inflated()
        if self.inflated:
            raise damaged(f"Its compressed part ends within a record ({len(self.inflated)} bytes).")
        if self.skip:
            raise damaged(f"{self.skip} bytes of trace data are missing.")
        self.pool.finish()

    def _find(
        self, data: NDArray[np.uint8], at: int, stop: int, jobs: list[Job]
    ) -> tuple[int, bytes | None]:
        """Hand the samples from `at` on to the counters; returns the next record of another kind."""
        why = st.FULL
        while why == st.FULL:
            why, at, places = self.finder.find(data, at, stop)
            if len(places):
                jobs.append(self.pool.submit(data.view(np.uint64), places))
        if why == st.MORE:
            return at, None
        kind, _, size = _HEADER.unpack(data[at : at + RECORD_HEADER_SIZE].tobytes())
        if why == st.BAD:
            events = "" if self.attrs else " It comes before any event is described."
            raise damaged(f"A record of type {kind} and {size} bytes contradicts itself.{events}")
        return at, data[at : at + size].tobytes()

    def _take_in(self, record: bytes) -> None:
        kind = _HEADER.unpack_from(record)[0]
        try:
            _HANDLERS[kind](self, record)
        except struct.error as error:
            raise damaged(f"A record of type {kind} has only {len(record)} bytes.") from error

    def _add_mapping(self, record: bytes) -> None:
        mapping = parse_mapping(record)
        if mapping.build_id:
            self.facts.set_build_id(mapping.name, mapping.build_id)
        kernel = kernel_mapping(mapping)
        module = module_name(mapping.name)
        if kernel is not None and self.kernel is None:
            self.kernel = kernel
            self.pool.set_base(kernel.address)
        elif module is not None and mapping.start and mapping.length:
            self.modules[module] = mapping

    def _add_lost(self, record: bytes) -> None:
        self.lost += struct.unpack_from("<Q", record, 16)[0]

    def _add_lost_samples(self, record: bytes) -> None:
        self.lost += struct.unpack_from("<Q", record, 8)[0]

    def _add_attr(self, record: bytes) -> None:
        """Take in an ATTR record: a perf_event_attr that tells its own size, then ids."""
        content = record[RECORD_HEADER_SIZE:]
        size = struct.unpack_from("<I", content, 4)[0]
        ids = content[size:]
        if len(ids) % 8:
            raise damaged(f"An event has {len(ids)} bytes of ids.")
        numbers = struct.unpack(f"<{len(ids) // 8}Q", ids)
        self.add_events([parse_attr(content[:size], numbers)])

    def _add_build_id(self, record: bytes) -> None:
        self.facts.add_build_id(record)

    def _add_feature(self, record: bytes) -> None:
        self.facts.add_feature(struct.unpack_from("<Q", record, 8)[0], record[16:])

    def _skip_tracing_data(self, record: bytes) -> None:
        self.skip = (struct.unpack_from("<I", record, 8)[0] + 7) & ~7

    def _skip_auxtrace(self, record: bytes) -> None:
        self.skip = struct.unpack_from("<Q", record, 8)[0]

    def _add_compressed(self, record: bytes) -> None:
        self._inflate(record[RECORD_HEADER_SIZE:])

    def _add_compressed2(self, record: bytes) -> None:
        size = struct.unpack_from("<Q", record, 8)[0]
        self._inflate(record[16 : 16 + size])

    def _inflate(self, content: bytes) -> None:
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
        at = 0
        while True:
            at, record = self._find(data, at, size, [])
            if record is None:
                break
            if _HEADER.unpack_from(record)[0] in _NEVER_INSIDE:
                raise damaged("A compressed record holds what only stands outside of them.")
            self._take_in(record)
            at += len(record)
        self.inflated = bytearray(data[at:size].tobytes())


_HANDLERS: Final = {
    Record.MMAP: Session._add_mapping,
    Record.MMAP2: Session._add_mapping,
    Record.LOST: Session._add_lost,
    Record.LOST_SAMPLES: Session._add_lost_samples,
    Record.ATTR: Session._add_attr,
    Record.TRACING_DATA: Session._skip_tracing_data,
    Record.BUILD_ID: Session._add_build_id,
    Record.AUXTRACE: Session._skip_auxtrace,
    Record.FEATURE: Session._add_feature,
    Record.COMPRESSED: Session._add_compressed,
    Record.COMPRESSED2: Session._add_compressed2,
}
_NEVER_INSIDE: Final = frozenset(
    {Record.COMPRESSED, Record.COMPRESSED2, Record.AUXTRACE, Record.TRACING_DATA}
)
