"""The header of a perf.data file: where its events, data and features lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.attrs import parse_attr
from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.formats import (
    ATTR_SIZE_MIN,
    FILE_HEADER_SIZE,
    FOREIGN_MAGIC,
    MAGIC,
    OLD_MAGIC,
    PIPE_HEADER_SIZE,
)

if TYPE_CHECKING:
    from pkgafdo.perf.perfdata.attrs import EventAttr

_HEADER: Final = struct.Struct("<8s8Q4Q")  # magic, size, attr_size, 3 sections, 256 feature bits
_SECTION: Final = struct.Struct("<QQ")
_LARGEST_PART: Final = 1 << 26
"""No list of events or feature section of a real recording comes near 64 MiB."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the file."""

    offset: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FileHeader:
    """What the file's header says; features maps feature numbers to their sections."""

    attrs: tuple[EventAttr, ...]
    data: Section
    features: dict[int, Section]


def is_pipe(start: bytes) -> bool:
    """Tell from the first 16 bytes whether a recording was written to a pipe.

    Raises ArtifactError when it is no recording that this machine can read.
    """
    magic = start[:8]
    if magic == FOREIGN_MAGIC:
        raise ArtifactError(
            "The recording was made on a big-endian machine",
            hint="Only recordings of little-endian machines (x86-64, arm64, riscv64) can be read.",
        )
    if magic == OLD_MAGIC:
        raise ArtifactError(
            "The recording has the first format of perf, from before Linux 3.4",
            hint="Record with a perf of this decade.",
        )
    if not start:
        raise ArtifactError("The recording is empty", hint="Did perf record run, and end?")
    if magic != MAGIC or len(start) < PIPE_HEADER_SIZE:
        raise ArtifactError(
            "This is not a recording of perf",
            details=f"It begins with {start!r}.",
            hint="Give a perf.data file that `perf record -b` wrote.",
        )
    return int.from_bytes(start[8:16], "little") == PIPE_HEADER_SIZE


def read_header(stream: BinaryIO, size: int) -> FileHeader:
    """Read the header of a file of `size` bytes, and what it points to."""
    content = read_part(stream, Section(0, FILE_HEADER_SIZE), size)
    _, _, attr_size, *places, low, high, higher, highest = _HEADER.unpack(content)
    attrs, data, _ = (Section(*places[at : at + 2]) for at in (0, 2, 4))
    bits = low | high << 64 | higher << 128 | highest << 192
    if data.size == 0:
        raise damaged("Its header says that it holds no data: perf did not finish writing it.")
    if data.offset + data.size > size:
        raise damaged(f"Its data ends at byte {data.offset + data.size}; the file has {size}.")
    return FileHeader(
        attrs=_read_attrs(stream, attrs, attr_size, size),
        data=data,
        features=_read_features(stream, data.offset + data.size, bits, size),
    )


def read_part(stream: BinaryIO, section: Section, size: int) -> bytes:
    """Read a section that must lie in the file."""
    if section.size > _LARGEST_PART or section.offset + section.size > size:
        raise damaged(f"A part of {section.size} bytes at {section.offset} is not in the file.")
    stream.seek(section.offset)
    content = stream.read(section.size)
    if len(content) < section.size:
        raise damaged(f"The file ends within {section.size} bytes at {section.offset}.")
    return content


def _read_attrs(
    stream: BinaryIO, section: Section, attr_size: int, size: int
) -> tuple[EventAttr, ...]:
    """Read the events: each a perf_event_attr, followed by the section of its ids."""
    if attr_size < ATTR_SIZE_MIN + _SECTION.size or section.size % attr_size:
        raise damaged(f"{section.size} bytes of events, each of {attr_size} bytes.")
    content = read_part(stream, section, size)
    attrs = []
    ids_left = _LARGEST_PART
    for at in range(0, len(content), attr_size):
        entry = content[at : at + attr_size]
        ids = Section(*_SECTION.unpack(entry[-_SECTION.size :]))
        ids_left -= ids.size
        if ids_left < 0 or ids.size % 8:
            raise damaged(f"An event has {ids.size} bytes of ids.")
        numbers = struct.unpack(f"<{ids.size // 8}Q", read_part(stream, ids, size))
        attrs.append(parse_attr(entry[: -_SECTION.size], numbers))
    return tuple(attrs)


def _read_features(stream: BinaryIO, offset: int, bits: int, size: int) -> dict[int, Section]:
    present = [number for number in range(256) if bits >> number & 1]
    table = read_part(stream, Section(offset, len(present) * _SECTION.size), size)
    return {
        number: Section(*place)
        for number, place in zip(present, _SECTION.iter_unpack(table), strict=True)
    }
