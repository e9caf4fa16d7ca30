"""What a recording tells about itself: events, mappings, losses, facts about the machine."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pkgafdo.perf.perfdata.attrs import parse_attr
from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.features import Facts
from pkgafdo.perf.perfdata.formats import MISC_LOST_SAMPLES_BPF, RECORD_HEADER_SIZE, Record
from pkgafdo.perf.perfdata.mappings import kernel_mapping, module_name, parse_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.perf.perfdata.attrs import EventAttr
    from pkgafdo.perf.perfdata.mappings import CodeMapping, KernelMapping


@dataclass(slots=True)
class Known:
    """What is known so far; modules is by name.

    perf 6.1 and newer tell of one loss twice: the kernel's LOST records count what found no room in
    a buffer, and at the end perf writes LOST_SAMPLES with each event's own number
    (tools/perf/builtin-record.c, record__read_lost_samples). Older ones have LOST alone, PEBS may
    have LOST_SAMPLES alone.
    """

    source: str = "perf.data"
    attrs: list[EventAttr] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    kernel: KernelMapping | None = None
    modules: dict[str, CodeMapping] = field(default_factory=dict)
    lost_records: int = 0
    lost_samples: int = 0

    @property
    def lost(self) -> int:
        """How many samples were lost: the larger of the two counts, which tell of the same ones."""
        return max(self.lost_records, self.lost_samples)

    def add_mapping(self, mapping: CodeMapping) -> None:
        """Learn where the kernel or a module lay."""
        if mapping.build_id:
            self.facts.set_build_id(mapping.name, mapping.build_id)
        kernel = kernel_mapping(mapping)
        module = module_name(mapping.name)
        if kernel is not None and self.kernel is None:
            self.kernel = kernel
        elif module is not None and mapping.start and mapping.length:
            self.modules[module] = mapping

    def take_in(self, kind: int, record: bytes) -> None:
        """Learn from a record; kinds that tell nothing are passed over."""
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, record)


def u64(record: bytes, at: int) -> int:
    """Return the number at a place; struct.error when the record is too short."""
    number: int = struct.unpack_from("<Q", record, at)[0]
    return number


def _add_mapping(known: Known, record: bytes) -> None:
    known.add_mapping(parse_mapping(record))


def _add_lost(known: Known, record: bytes) -> None:
    known.lost_records += u64(record, 16)


def _add_lost_samples(known: Known, record: bytes) -> None:
    if not struct.unpack_from("<H", record, 4)[0] & MISC_LOST_SAMPLES_BPF:
        known.lost_samples += u64(record, 8)


def _add_attr(known: Known, record: bytes) -> None:
    """Take in an ATTR record: a perf_event_attr that tells its own size, then ids."""
    content = record[RECORD_HEADER_SIZE:]
    size = struct.unpack_from("<I", content, 4)[0]
    ids = content[size:]
    if len(ids) % 8:
        raise damaged(f"An event has {len(ids)} bytes of ids.")
    numbers = struct.unpack(f"<{len(ids) // 8}Q", ids)
    known.attrs.append(parse_attr(content[:size], numbers))


def _add_build_id(known: Known, record: bytes) -> None:
    known.facts.add_build_id(record)


def _add_feature(known: Known, record: bytes) -> None:
    known.facts.add_feature(u64(record, 8), record[16:])


_HANDLERS: Final[dict[int, Callable[[Known, bytes], None]]] = {
    Record.MMAP: _add_mapping,
    Record.MMAP2: _add_mapping,
    Record.LOST: _add_lost,
    Record.LOST_SAMPLES: _add_lost_samples,
    Record.ATTR: _add_attr,
    Record.BUILD_ID: _add_build_id,
    Record.FEATURE: _add_feature,
}
