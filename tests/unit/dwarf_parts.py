"""Debug information of a few compile units, made by hand, for tests."""

from __future__ import annotations

import struct
import zlib

from tests.unit.elf_files import PROGBITS, Part
from tests.unit.propeller.maps import uleb

COMPRESSED = 0x800
NAME, LOW_PC, HIGH_PC, RANGES, STR_OFFSETS, ADDR_BASE, RNGLISTS = (
    0x03, 0x11, 0x12, 0x55, 0x72, 0x73, 0x74,
)  # fmt: skip
ADDR, DATA4, STRING, STRP, SEC_OFFSET, ADDRX, STRX1, LINE_STRP, RNGLISTX, IMPLICIT = (
    0x01, 0x06, 0x08, 0x0E, 0x17, 0x1B, 0x25, 0x1F, 0x23, 0x21,
)  # fmt: skip

Unit = tuple[int, list[tuple[int, int]], bytes]
"""DWARF version, (attribute, form) pairs, and the values' bytes."""


def debug_parts(units: list[Unit], *, kind: int = 1, **sections: bytes) -> list[Part]:
    """Return .debug_info and .debug_abbrev of these units, and other sections as they are given."""
    info, abbrev = b"", b""
    for version, forms, values in units:
        table = len(abbrev)
        abbrev += uleb(7) + uleb(0x11) + b"\0" + bytes([0x3E, 0x0B, 0, 0])  # one of no unit here
        abbrev += uleb(1) + uleb(0x11) + b"\0"
        for attribute, form in forms:
            abbrev += uleb(attribute) + uleb(form) + (b"\x05" if form == IMPLICIT else b"")
        abbrev += b"\0\0\0"
        head = struct.pack("<H", version)
        head += (
            struct.pack("<BBI", kind, 8, table) if version == 5 else struct.pack("<IB", table, 8)
        )
        body = head + uleb(1) + values
        info += struct.pack("<I", len(body)) + body
    named = {"info": info, "abbrev": abbrev} | sections
    return [Part(f".debug_{name}", PROGBITS, content) for name, content in named.items()]


def address(value: int) -> bytes:
    return struct.pack("<Q", value)


def compressed(part: Part) -> Part:
    """Return a section as `--compress-debug-sections=zlib` writes it."""
    head = struct.pack("<IIQQ", 1, 0, len(part.content), 1)
    return Part(part.name, part.type, head + zlib.compress(part.content), COMPRESSED)
