"""Writing sampled branch stacks as a perf.data file that perf and its readers accept."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import files
from pkgafdo.perf.perfdata.formats import (
    CPUMODE_KERNEL,
    FILE_HEADER_SIZE,
    MAGIC,
    MISC_BUILD_ID_SIZE,
    BranchSample,
    Feature,
    Record,
    Sample,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

LONGEST_STACK: Final = 1024
_ATTR_SIZE: Final = 128  # perf 6.1 refuses attrs that are larger than it knows
_SAMPLE_TYPE: Final = (
    Sample.IDENTIFIER | Sample.IP | Sample.TID | Sample.TIME | Sample.CPU | Sample.PERIOD
    | Sample.BRANCH_STACK
)  # fmt: skip
_SAMPLE_ID: Final = struct.Struct(
    "<IIQIIQ"
)  # what sample_id_all appends: tid, time, cpu, identifier
_HEAD_WORDS: Final = 8  # record header, identifier, ip, tid, time, cpu, period, nr
_ID: Final = 1
_PID: Final = 1
_TYPE_RAW: Final = 4
_TAKEN_BRANCHES: Final = 0x20C4  # Intel's BR_INST_RETIRED.NEAR_TAKEN
_EXCLUDE_USER: Final = 1 << 4
_MMAP_FLAG: Final = 1 << 8
_COMM_FLAG: Final = 1 << 9
_SAMPLE_ID_ALL: Final = 1 << 18
_SAMPLES_AT_ONCE: Final = 1 << 14


@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Stacks:
    """Branch stacks: rows of (from, to) or (from, to, flags), the newest of each stack first.

    lengths says how many rows belong to each stack; their sum is the number of rows.
    """

    rows: Words
    lengths: Words

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.rows.shape[1] not in {2, 3}:
            raise ValueError("rows have two or three columns")
        if int(self.lengths.sum()) != len(self.rows):
            raise ValueError("the lengths do not add up to the number of rows")
        if (
            len(self.lengths)
            and not 0 < np.min(self.lengths) <= np.max(self.lengths) <= LONGEST_STACK
        ):
            raise ValueError(f"stacks have 1 to {LONGEST_STACK} entries")


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What the recording says about the machine; text is where `_text` lay, text_size up to _etext.

    modules are (name, address, size).
    """

    text: int
    text_size: int
    build_id: str
    kernelrelease: str
    arch: str
    cpu: str
    event: str
    period: int
    command: str
    modules: Sequence[tuple[str, int, int]] = ()


def write_recording(path: Path, stacks: Stacks, machine: Machine) -> None:
    """Write a perf.data file by rename."""
    with files.replacing(path) as temporary, temporary.open("wb") as stream:
        ids_at = FILE_HEADER_SIZE
        attrs_at = ids_at + 8
        data_at = attrs_at + _ATTR_SIZE + 16
        stream.seek(data_at)
        for part in _records(stacks, machine):
            stream.write(part)
        data_size = stream.tell() - data_at
        features = _features(machine)
        stream.write(_feature_table(features, data_at + data_size))
        stream.seek(0)
        stream.write(_file_header(attrs_at, data_at, data_size, features))
        stream.write(struct.pack("<Q", _ID))
        stream.write(_attr(machine.period))
        stream.write(struct.pack("<QQ", ids_at, 8))


def sample_records(stacks: Stacks, *, period: int, start_time: int = 1) -> Words:
    """Return SAMPLE records, as words, for all stacks; their times are a microsecond apart."""
    lengths = stacks.lengths.astype(np.int64)
    sizes = _HEAD_WORDS + 3 * lengths
    at = np.cumsum(sizes) - sizes
    words = np.zeros(int(sizes.sum()), dtype=np.uint64)
    first_row = np.cumsum(lengths) - lengths
    head = int(Record.SAMPLE) | CPUMODE_KERNEL << 32
    words[at] = np.uint64(head) | sizes.astype(np.uint64) << np.uint64(48 + 3)
    words[at + 1] = _ID
    words[at + 2] = stacks.rows[first_row, 1]  # where the newest branch went
    words[at + 3] = _PID | _PID << 32
    words[at + 4] = np.arange(start_time, start_time + len(at), dtype=np.uint64) * np.uint64(1000)
    words[at + 6] = period
    words[at + 7] = stacks.lengths
    row = np.arange(len(stacks.rows), dtype=np.int64)
    place = np.repeat(at + _HEAD_WORDS - 3 * first_row, lengths) + 3 * row
    for column in range(stacks.rows.shape[1]):
        words[place + column] = stacks.rows[:, column]
    if stacks.rows.shape[1] == 2:
        words[place + 2] = 1 << 1  # predicted
    return words


def _records(stacks: Stacks, machine: Machine) -> Iterator[bytes]:
    yield _mmap("[kernel.kallsyms]_text", machine.text, machine.text_size, machine.text)
    for name, address, size in machine.modules:
        yield _mmap(f"[{name}]", address, size, 0)
    yield _record(Record.COMM, 0, struct.pack("<II", _PID, _PID) + _padded(b"guest") + _sample_id())
    row = 0
    for at in range(0, len(stacks.lengths), _SAMPLES_AT_ONCE):
        lengths = stacks.lengths[at : at + _SAMPLES_AT_ONCE]
        end = row + int(lengths.sum())
        some = Stacks(rows=stacks.rows[row:end], lengths=lengths)
        yield sample_records(some, period=machine.period, start_time=at + 1).tobytes()
        row = end
    yield _record(Record.FINISHED_ROUND, 0, b"")


def _record(kind: Record, misc: int, body: bytes) -> bytes:
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def _padded(text: bytes, multiple: int = 8) -> bytes:
    return text + bytes(multiple - len(text) % multiple)


def _sample_id() -> bytes:
    return _SAMPLE_ID.pack(_PID, _PID, 0, 0, 0, _ID)


def _mmap(name: str, start: int, size: int, offset: int) -> bytes:
    body = struct.pack("<iiQQQ", -1, 0, start, size, offset) + _padded(name.encode())
    return _record(Record.MMAP, CPUMODE_KERNEL, body + _sample_id())


def _attr(period: int) -> bytes:
    flags = _EXCLUDE_USER | _MMAP_FLAG | _COMM_FLAG | _SAMPLE_ID_ALL
    head = struct.pack(
        "<IIQQQQQ", _TYPE_RAW, _ATTR_SIZE, _TAKEN_BRANCHES, period, _SAMPLE_TYPE, 0, flags
    )
    branches = struct.pack("<Q", BranchSample.KERNEL | BranchSample.ANY)
    return (head.ljust(72, b"\0") + branches).ljust(_ATTR_SIZE, b"\0")


def _file_header(attrs_at: int, data_at: int, data_size: int, features: dict[int, bytes]) -> bytes:
    bits = sum(1 << number for number in features)
    attr_entry = _ATTR_SIZE + 16
    places = (attrs_at, attr_entry, data_at, data_size, 0, 0)
    return struct.pack("<8s8Q4Q", MAGIC, FILE_HEADER_SIZE, attr_entry, *places, bits, 0, 0, 0)


def _features(machine: Machine) -> dict[int, bytes]:
    features = {
        Feature.BUILD_ID: _build_id(machine.build_id),
        Feature.OSRELEASE: _string(machine.kernelrelease),
        Feature.ARCH: _string(machine.arch),
        Feature.CPUDESC: _string(machine.cpu),
        Feature.CMDLINE: struct.pack("<I", 1) + _string(machine.command),
        Feature.EVENT_DESC: struct.pack("<II", 1, _ATTR_SIZE)
        + _attr(machine.period)
        + struct.pack("<I", 1)
        + _string(machine.event)
        + struct.pack("<Q", _ID),
    }
    return {int(number): content for number, content in sorted(features.items())}


def _string(text: str) -> bytes:
    padded = _padded(text.encode(), 64)
    return struct.pack("<I", len(padded)) + padded


def _build_id(build_id: str) -> bytes:
    digest = bytes.fromhex(build_id)[:20]
    name = _padded(b"[kernel.kallsyms]", 64)
    misc = CPUMODE_KERNEL | MISC_BUILD_ID_SIZE
    body = struct.pack("<i20sB3x", -1, digest, len(digest)) + name
    return _record(Record.BUILD_ID, misc, body)


def _feature_table(features: dict[int, bytes], at: int) -> bytes:
    at += 16 * len(features)
    table, contents = b"", b""
    for content in features.values():
        table += struct.pack("<QQ", at + len(contents), len(content))
        contents += content
    return table + contents
