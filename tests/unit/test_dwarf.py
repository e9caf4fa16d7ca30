"""Which compile unit an address belongs to."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from pkgafdo.dwarf import unit_names
from pkgafdo.errors import ArtifactError
from tests.unit import elf_files
from tests.unit.dwarf_parts import (
    ADDR,
    ADDR_BASE,
    ADDRX,
    DATA4,
    HIGH_PC,
    IMPLICIT,
    LINE_STRP,
    LOW_PC,
    NAME,
    RANGES,
    RNGLISTS,
    RNGLISTX,
    SEC_OFFSET,
    STR_OFFSETS,
    STRING,
    STRP,
    STRX1,
    address,
    compressed,
    debug_parts,
)
from tests.unit.propeller.maps import uleb

BASE = 0xFFFFFFFF81000000

PLAIN = (5, [(NAME, STRING), (LOW_PC, ADDR), (HIGH_PC, DATA4)])


def plain(name: bytes, start: int, size: int):
    return (*PLAIN, name + b"\0" + address(start) + struct.pack("<I", size))


def names(tmp_path, parts, *addresses) -> list[str | None]:
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.elf(*parts))
    return unit_names(path, np.array(addresses, dtype=np.uint64))


def test_a_unit_of_one_range_holds_its_addresses_and_no_others(tmp_path) -> None:
    parts = debug_parts([plain(b"a.c", BASE, 16), plain(b"b.c", BASE + 32, 16)])
    found = names(tmp_path, parts, BASE, BASE + 15, BASE + 16, BASE + 32, BASE + 48, BASE - 1)
    assert found == ["a.c", "a.c", None, "b.c", None, None]


def test_a_unit_as_clang_writes_it_is_read(tmp_path) -> None:
    forms = [
        (0x13, IMPLICIT), (NAME, STRX1), (STR_OFFSETS, SEC_OFFSET), (LOW_PC, ADDR),
        (RANGES, RNGLISTX), (ADDR_BASE, SEC_OFFSET), (RNGLISTS, SEC_OFFSET),
    ]  # fmt: skip
    offsets = struct.pack("<III", 8, 8, 8)
    values = b"\x01" + offsets[:4] + address(0) + b"\x00" + offsets[4:]
    lists = (
        b"\x01\x00" + b"\x04" + uleb(0) + uleb(8)  # base address 0: BASE
        + b"\x04" + uleb(300) + uleb(308)
        + b"\x02\x01\x02"  # from address 1 to address 2
        + b"\x03\x02" + uleb(4)  # four bytes from address 2
        + b"\x05" + address(BASE + 0x8000) + b"\x04" + uleb(1) + uleb(2)
        + b"\x06" + address(BASE + 0x9000) + address(BASE + 0x9001)
        + b"\x07" + address(BASE + 0xA000) + uleb(1)
        + b"\0"
    )  # fmt: skip
    parts = debug_parts(
        [(5, forms, values)],
        str=b"producer\0dir/file.c\0",
        str_offsets=bytes(8) + struct.pack("<II", 0, 9),
        addr=bytes(8) + address(BASE) + address(BASE + 0x1000) + address(BASE + 0x1008),
        rnglists=bytes(8) + struct.pack("<I", 4) + lists,
    )
    inside = (0, 7, 300, 0x1000, 0x1007, 0x1008, 0x100B, 0x8001, 0x9000, 0xA000)
    outside = (8, 299, 308, 0x100C, 0x8000, 0x8002, 0x9001, 0xA001)
    assert set(names(tmp_path, parts, *(BASE + at for at in inside))) == {"dir/file.c"}
    assert set(names(tmp_path, parts, *(BASE + at for at in outside))) == {None}


def test_a_list_by_offset_and_an_indexed_low_address_are_read(tmp_path) -> None:
    forms = [(NAME, LINE_STRP), (LOW_PC, ADDRX), (RANGES, SEC_OFFSET), (ADDR_BASE, SEC_OFFSET)]
    values = struct.pack("<I", 2) + b"\x00" + struct.pack("<II", 5, 8)
    parts = debug_parts(
        [(5, forms, values)],
        line_str=b"x\0line.c\0",
        addr=bytes(8) + address(BASE),
        rnglists=bytes(5) + b"\x04" + uleb(4) + uleb(8) + b"\0",
    )
    assert names(tmp_path, parts, BASE, BASE + 4) == [None, "line.c"]


def test_version_four_is_read(tmp_path) -> None:
    forms = [(NAME, STRP), (LOW_PC, ADDR), (RANGES, SEC_OFFSET)]
    values = struct.pack("<I", 4) + address(BASE) + struct.pack("<I", 16)
    pairs = [(0, 8), (2**64 - 1, BASE + 0x100), (0, 4), (0, 0)]
    parts = debug_parts(
        [(4, forms, values), (4, PLAIN[1], plain(b"b.c", BASE + 0x200, 8)[2])],
        str=b"nil\0old.c\0",
        ranges=bytes(16) + b"".join(address(a) + address(b) for a, b in pairs),
    )
    found = names(tmp_path, parts, BASE, BASE + 8, BASE + 0x103, BASE + 0x200)
    assert found == ["old.c", None, "old.c", "b.c"]


def test_compressed_sections_are_read(tmp_path) -> None:
    parts = map(compressed, debug_parts([plain(b"a.c", BASE, 16)]))
    assert names(tmp_path, parts, BASE) == ["a.c"]


def test_units_in_other_files_and_of_other_versions_are_left_out(tmp_path) -> None:
    assert names(tmp_path, debug_parts([plain(b"a.c", BASE, 16)], kind=4), BASE) == [None]
    odd = [(3, *plain(b"a.c", BASE, 16)[1:]), plain(b"b.c", BASE, 8)]
    assert names(tmp_path, debug_parts(odd), BASE) == ["b.c"]


def test_a_kernel_without_debug_information_knows_no_units(tmp_path) -> None:
    text = elf_files.Part(".text", elf_files.PROGBITS, bytes(16), elf_files.EXECUTABLE, BASE)
    assert names(tmp_path, [text], BASE) == [None]


@pytest.mark.parametrize("section", [".debug_info", ".debug_abbrev"])
def test_debug_information_that_is_cut_short_is_refused(tmp_path, section) -> None:
    parts = [
        elf_files.Part(
            part.name, part.type, part.content[:-4] if part.name == section else part.content
        )
        for part in debug_parts([plain(b"a.c", BASE, 16)])
    ]
    with pytest.raises(ArtifactError, match=r"debug information of .* is damaged"):
        names(tmp_path, parts, BASE)
