"""A reader of perf.data in plain Python, written for being read: what the fast one must agree with."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field

import zstandard

from tests.fakes import perf_files as pf

Attr = tuple[bytes, tuple[int, ...]]
"""perf_event_attr, ids."""


def u64(content: bytes, at: int = 0) -> int:
    return int.from_bytes(content[at : at + 8], "little")


@dataclass
class Counts:
    """All entries of all branch stacks, nothing filtered."""

    branches: Counter[tuple[int, int]] = field(default_factory=Counter)
    missed: Counter[tuple[int, int]] = field(default_factory=Counter)
    ranges: Counter[tuple[int, int]] = field(default_factory=Counter)
    samples: int = 0
    lost_records: int = 0
    lost_samples: int = 0

    @property
    def lost(self) -> int:
        return max(self.lost_records, self.lost_samples)


def count(content: bytes) -> Counts:
    """Count a recording that is known to be whole."""
    counts = Counts()
    if u64(content, 8) == 16:
        _count_records(content[16:], [], counts)
        return counts
    attr_size, attrs_at, attrs_size, data_at, data_size = struct.unpack_from("<5Q", content, 16)
    attrs: list[Attr] = []
    for at in range(attrs_at, attrs_at + attrs_size, attr_size):
        ids_at, ids_size = struct.unpack_from("<QQ", content, at + attr_size - 16)
        ids = struct.unpack_from(f"<{ids_size // 8}Q", content, ids_at)
        attrs.append((content[at : at + attr_size - 16], ids))
    _count_records(content[data_at : data_at + data_size], attrs, counts)
    return counts


def _count_records(content: bytes, attrs: list[Attr], counts: Counts) -> None:
    inflater = zstandard.ZstdDecompressor().decompressobj()
    inflated = b""
    at = 0
    while at < len(content):
        kind, _, size = struct.unpack_from("<IHH", content, at)
        body = content[at + 8 : at + size]
        at += size
        if kind == 81:
            inflated += inflater.decompress(body)
        elif kind == 83:
            inflated += inflater.decompress(body[8 : 8 + u64(body)])
        elif kind == 64:
            (attr_size,) = struct.unpack_from("<I", body, 4)
            ids = struct.unpack(f"<{(len(body) - attr_size) // 8}Q", body[attr_size:])
            attrs.append((body[:attr_size], ids))
        elif kind == 71:
            at += u64(body)
        elif kind == 2:
            counts.lost_records += u64(body, 8)
        elif kind == 13:
            counts.lost_samples += u64(body)
        elif kind == 9:
            _count_sample(body, attrs, counts)
    if inflated:
        _count_records(inflated, attrs, counts)


def _event_of(body: bytes, attrs: list[Attr]) -> bytes | None:
    first = attrs[0][0]
    kind = u64(first, 24)
    if len(attrs) == 1:
        return first
    if kind & pf.IDENTIFIER:
        at = 0
    elif kind & pf.ID:
        at = 8 * sum(bool(kind & bit) for bit in (pf.IP, pf.TID, pf.TIME, pf.ADDR))
    else:
        return first
    number = u64(body, at)
    if not number:
        return first
    return next((attr for attr, ids in attrs if number in ids), None)


def _count_sample(body: bytes, attrs: list[Attr], counts: Counts) -> None:
    attr = _event_of(body, attrs)
    if attr is None:
        return
    kind, form = struct.unpack_from("<QQ", attr, 24)
    branch = u64(attr, 72) if len(attr) >= 80 else 0
    if not kind & pf.BRANCH_STACK:
        return
    at = 8 * sum(
        bool(kind & bit)
        for bit in (pf.IDENTIFIER, pf.IP, pf.TID, pf.TIME, pf.ADDR, pf.ID, pf.STREAM_ID, pf.CPU,
                    pf.PERIOD)
    )  # fmt: skip
    if kind & pf.READ:
        at += _read_size(body, at, form)
    if kind & pf.CALLCHAIN:
        at += 8 + 8 * u64(body, at)
    if kind & pf.RAW:
        at += 4 + struct.unpack_from("<I", body, at)[0]
    entries = u64(body, at)
    at += 8 + 8 * bool(branch & pf.HW_INDEX)
    counts.samples += 1
    newer = None
    for _ in range(entries):
        source, target, flags = struct.unpack_from("<QQQ", body, at)
        at += 24
        counts.branches[source, target] += 1
        counts.missed[source, target] += flags & 1
        if newer is not None:
            counts.ranges[target, newer] += 1
        newer = source


def _read_size(body: bytes, at: int, form: int) -> int:
    times = (form & 1) + (form >> 1 & 1)
    each = 1 + bool(form & pf.READ_ID) + bool(form & pf.READ_LOST)
    if form & pf.GROUP:
        return 8 * (1 + times + each * u64(body, at))
    return 8 * (times + each)
