"""perf.data files made by hand, in every layout that perf writes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KERNEL, USER, GUEST_KERNEL = 1, 2, 4
IP, TID, TIME, ADDR, READ, CALLCHAIN, ID, CPU = (1 << bit for bit in range(8))
PERIOD, STREAM_ID, RAW, BRANCH_STACK = (1 << bit for bit in range(8, 12))
WEIGHT, IDENTIFIER = 1 << 14, 1 << 16
GROUP, READ_ID, READ_LOST = 1 << 3, 1 << 2, 1 << 4
ANY, HW_INDEX, COUNTERS = 1 << 3, 1 << 17, 1 << 19
TEXT = 0xFFFFFFFF81000000
USUAL = IDENTIFIER | IP | TID | TIME | CPU | PERIOD | BRANCH_STACK

Entry = tuple[int, int, int]
"""from, to, flags."""


@dataclass(frozen=True)
class Event:
    """What of an event shapes its samples."""

    sample_type: int = USUAL
    branch_sample_type: int = ANY
    read_format: int = 0
    period: int = 500_009
    frequency: bool = False
    ids: tuple[int, ...] = ()
    type: int = 4
    config: int = 0x20C4
    size: int = 128

    def attr(self) -> bytes:
        """Return its perf_event_attr."""
        head = struct.pack(
            "<IIQQQQQ", self.type, self.size, self.config, self.period, self.sample_type,
            self.read_format, self.frequency << 10,
        )  # fmt: skip
        full = head.ljust(72, b"\0") + struct.pack("<Q", self.branch_sample_type)
        return full.ljust(self.size, b"\0")[: self.size]


def record(kind: int, body: bytes, misc: int = 0) -> bytes:
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def sample(
    event: Event,
    entries: Sequence[Entry],
    *,
    number: int = 0,
    misc: int = KERNEL,
    chain: Sequence[int] = (TEXT,),
    raw: bytes = b"\1\2\3\4",
    members: int = 2,
    value: int = 5,
) -> bytes:
    """Return a SAMPLE record; `number` is its event's id, `members` the size of its READ group.

    perf itself passes over samples whose READ value did not grow, and repeats one for each member of
    the group that it knows; so only the first member has the event's id.
    """
    kind = event.sample_type
    fields: list[tuple[int, bytes]] = [
        (IDENTIFIER, struct.pack("<Q", number)),
        (IP, struct.pack("<Q", entries[0][1] if entries else TEXT)),
        (TID, struct.pack("<II", 7, 7)),
        (TIME, struct.pack("<Q", 1000)),
        (ADDR, struct.pack("<Q", 0)),
        (ID, struct.pack("<Q", number)),
        (STREAM_ID, struct.pack("<Q", number)),
        (CPU, struct.pack("<II", 0, 0)),
        (PERIOD, struct.pack("<Q", event.period)),
        (READ, read_values(event, [number, *[9999] * members][:members], value)),
        (CALLCHAIN, struct.pack(f"<{1 + len(chain)}Q", len(chain), *chain)),
        (RAW, struct.pack("<I", len(raw)) + raw),
        (BRANCH_STACK, branch_stack(event, entries)),
        (WEIGHT, struct.pack("<Q", 1)),
    ]
    return record(9, b"".join(content for bit, content in fields if kind & bit), misc)


def read_values(event: Event, members: Sequence[int], value: int) -> bytes:
    form = event.read_format
    times = [11, 12][: (form & 1) + (form >> 1 & 1)]
    each = [
        [value] + [number] * bool(form & READ_ID) + [0] * bool(form & READ_LOST)
        for number in [*members, 0]
    ]
    group = [len(members), *times, *(word for one in each[:-1] for word in one)]
    values = group if form & GROUP else [value, *times, *each[0][1:]]
    return struct.pack(f"<{len(values)}Q", *values)


def branch_stack(event: Event, entries: Sequence[Entry]) -> bytes:
    content = struct.pack("<Q", len(entries))
    if event.branch_sample_type & HW_INDEX:
        content += struct.pack("<q", -1)
    content += b"".join(struct.pack("<QQQ", *entry) for entry in entries)
    if event.branch_sample_type & COUNTERS:
        content += struct.pack(f"<{len(entries)}Q", *range(len(entries)))
    return content


def padded(text: str, multiple: int = 8) -> bytes:
    content = text.encode()
    return content + bytes(multiple - len(content) % multiple)


def mmap(name: str, start: int, size: int, offset: int = 0, *, misc: int = KERNEL) -> bytes:
    return record(1, struct.pack("<iiQQQ", -1, 0, start, size, offset) + padded(name), misc)


def mmap2(
    name: str, start: int, size: int, offset: int = 0, *, build_id: bytes = b"", misc: int = KERNEL
) -> bytes:
    if build_id:
        misc |= 1 << 14
        middle = struct.pack("<BBH20s", len(build_id), 0, 0, build_id)
    else:
        middle = struct.pack("<IIQQ", 8, 1, 4711, 0)
    body = struct.pack("<iiQQQ", -1, 0, start, size, offset) + middle + struct.pack("<II", 5, 0)
    return record(10, body + padded(name), misc)


def kernel_mmap(start: int = TEXT, size: int = 0x1000000) -> bytes:
    return mmap("[kernel.kallsyms]_text", start, size, start)


def lost(count: int) -> bytes:
    return record(2, struct.pack("<QQ", 1, count))


def lost_samples(count: int, *, misc: int = 0) -> bytes:
    return record(13, struct.pack("<Q", count), misc)


def comm(name: str = "guest") -> bytes:
    return record(3, struct.pack("<II", 7, 7) + padded(name))


def build_id_record(name: str, build_id: bytes, misc: int = KERNEL) -> bytes:
    body = struct.pack("<i20sB3x", -1, build_id, len(build_id)) + padded(name, 64)
    return record(67, body, misc | 1 << 15)


def string(text: str) -> bytes:
    content = padded(text, 64)
    return struct.pack("<I", len(content)) + content


def event_desc(names: Sequence[str], events: Sequence[Event]) -> bytes:
    content = struct.pack("<II", len(events), events[0].size)
    for name, event in zip(names, events, strict=True):
        content += event.attr() + struct.pack("<I", len(event.ids)) + string(name)
        content += struct.pack(f"<{len(event.ids)}Q", *event.ids)
    return content


def compressed(content: bytes, *, pieces: int = 1, second: bool = False) -> list[bytes]:
    """Return records that hold `content` as one zstd stream, cut into so many pieces."""
    stream = zstandard.ZstdCompressor().compressobj()
    step = -(-len(content) // pieces)
    found = []
    for at in range(0, len(content), step):
        piece = stream.compress(content[at : at + step])
        piece += stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        if second:
            body = struct.pack("<Q", len(piece)) + piece
            found.append(record(83, body + bytes(-len(body) % 8)))
        else:
            found.append(record(81, piece))
    return found


def perf_file(
    events: Sequence[Event], records: Iterable[bytes], features: dict[int, bytes] | None = None
) -> bytes:
    """Return a recording as perf writes it to a file."""
    size = events[0].size if events else 128
    ids_at, id_parts = 104, []
    for event in events:
        id_parts.append((ids_at, struct.pack(f"<{len(event.ids)}Q", *event.ids)))
        ids_at += 8 * len(event.ids)
    attrs = b"".join(
        event.attr() + struct.pack("<QQ", at, len(ids))
        for event, (at, ids) in zip(events, id_parts, strict=True)
    )
    data = b"".join(records)
    data_at = ids_at + len(attrs)
    wanted = dict(sorted((features or {}).items()))
    at = data_at + len(data) + 16 * len(wanted)
    table = b""
    for content in wanted.values():
        table += struct.pack("<QQ", at, len(content))
        at += len(content)
    bits = sum(1 << number for number in wanted)
    head = struct.pack(
        "<8s8Q4Q", b"PERFILE2", 104, size + 16, ids_at, len(attrs), data_at, len(data), 0, 0,
        bits, 0, 0, 0,
    )  # fmt: skip
    ids = b"".join(part for _, part in id_parts)
    return head + ids + attrs + data + table + b"".join(wanted.values())


def perf_pipe(
    events: Sequence[Event], records: Iterable[bytes], features: dict[int, bytes] | None = None
) -> bytes:
    """Return a recording as perf writes it to a pipe."""
    content = struct.pack("<8sQ", b"PERFILE2", 16)
    for event in events:
        ids = struct.pack(f"<{len(event.ids)}Q", *event.ids)
        content += record(64, event.attr() + ids)
    for number, feature in (features or {}).items():
        content += record(80, struct.pack("<Q", number) + feature)
    return content + b"".join(records)
