"""Which compile unit an address belongs to, from DWARF 4 and 5, without reading all of it.

Only the first entry of each unit is looked at, in the mapped file: of a gigabyte of debug information
that is a few megabytes. Source: DWARF 5, https://dwarfstd.org/dwarf5std.html, sections 7.4 to 7.28.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Sections = Mapping[str, memoryview]

_SHF_COMPRESSED: Final = 0x800
_ZLIB: Final = 1
_COMPRESSION_HEAD: Final = struct.Struct("<IIQQ")
"""Elf64_Chdr: type, reserved, size, alignment."""
_WANTED: Final = frozenset(
    f".debug_{name}"
    for name in ("info", "abbrev", "str", "line_str", "str_offsets", "addr", "rnglists", "ranges")
)

_NAME, _LOW_PC, _HIGH_PC, _RANGES = 0x03, 0x11, 0x12, 0x55
_STR_OFFSETS_BASE, _ADDR_BASE, _RNGLISTS_BASE = 0x72, 0x73, 0x74
"""DW_AT_…"""

_ADDR, _STRING, _STRP, _LINE_STRP, _RNGLISTX, _IMPLICIT = 0x01, 0x08, 0x0E, 0x1F, 0x23, 0x21
_STRX: Final = {0x1A: 0, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4}
_ADDRX: Final = {0x1B: 0, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4}
_FIXED: Final = {
    _ADDR: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, _STRP: 4, 0x10: 4, 0x11: 1, 0x12: 2,
    0x13: 4, 0x14: 8, 0x17: 4, 0x19: 0, 0x1C: 4, 0x1D: 4, _LINE_STRP: 4, 0x20: 8, 0x24: 8,
    **{form: size for form, size in (_STRX | _ADDRX).items() if size},
}  # fmt: skip
"""DW_FORM_… with the bytes that each takes in 32-bit DWARF with 8-byte addresses."""
_ULEB: Final = frozenset({0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, _RNGLISTX})

_UNIT: Final = 1
"""DW_UT_compile: a whole unit, not one whose entries are in another file."""
_ADDRX_ANY: Final = 0x1B


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unit:
    """The first entry of a unit: DW_AT → (DW_FORM, number; of a string in place its offset)."""

    version: int
    attributes: Mapping[int, tuple[int, int]]

    def base(self, attribute: int) -> int:
        """Return where the unit's part of an offset table begins (8: behind the first header)."""
        return self.attributes.get(attribute, (0, 8))[1]


def unit_names(path: Path, addresses: NDArray[np.uint64]) -> list[str | None]:
    """Return the DW_AT_name of the compile unit that holds each address, None where unknown.

    Raises ArtifactError when the debug information is cut short.
    """
    try:
        return _names_at(_read_sections(path), addresses)
    except (struct.error, IndexError, zlib.error) as error:
        raise ArtifactError(
            f"The debug information of {path} is damaged",
            details=str(error),
            hint="Copy or build the file again.",
        ) from error


def _names_at(sections: Sections, addresses: NDArray[np.uint64]) -> list[str | None]:
    rows: list[tuple[int, int, int]] = []
    units: list[_Unit] = []
    for unit in _units(sections):
        rows += [(start, end, len(units)) for start, end in _ranges(sections, unit)]
        units.append(unit)
    if not rows:
        return [None] * len(addresses)
    starts, ends, owners = np.array(sorted(rows), dtype=np.uint64).T
    place = np.searchsorted(starts, addresses, side="right") - 1
    inside = (place >= 0) & (addresses < ends[place])
    return [
        _unit_name(sections, units[owner]) if found else None
        for owner, found in zip(owners[place].tolist(), inside.tolist(), strict=True)
    ]


def _read_sections(path: Path) -> dict[str, memoryview]:
    """Map the file's DWARF sections, decompressing those that are compressed."""
    found = [part for part in elf.sections(path) if part.name in _WANTED and part.size]
    data = np.memmap(path, np.uint8, "r").data
    return {
        part.name: _content(data[part.offset : part.offset + part.size], part.flags)
        for part in found
    }


def _content(data: memoryview, flags: int) -> memoryview:
    if not flags & _SHF_COMPRESSED:
        return data
    kind, _, size, _ = _COMPRESSION_HEAD.unpack_from(data)
    packed = data[_COMPRESSION_HEAD.size :]
    if kind == _ZLIB:
        return memoryview(zlib.decompress(packed))
    from zstandard import ZstdDecompressor

    return memoryview(ZstdDecompressor().decompress(packed, max_output_size=size))


def _units(sections: Sections) -> Iterator[_Unit]:
    """Yield the whole compile units; those in ways that clang has not (64-bit DWARF) are left out."""
    info = sections.get(".debug_info", memoryview(b""))
    tables: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    at = 0
    while at < len(info):
        length, version = struct.unpack_from("<IH", info, at)
        behind = at + 4 + length
        if length >= 0xFFFFFFF0:
            return
        if version == 5:
            kind, _, table = struct.unpack_from("<BBI", info, at + 6)
            first = at + 12
        else:
            table, _ = struct.unpack_from("<IB", info, at + 6)
            kind, first = _UNIT, at + 11
        if version in {4, 5} and kind == _UNIT:
            code, first = _uleb(info, first)
            if (table, code) not in tables:
                tables[table, code] = _form_list(sections[".debug_abbrev"], table, code)
            yield _Unit(version=version, attributes=_attributes(info, first, tables[table, code]))
        at = behind


def _form_list(data: memoryview, at: int, wanted: int) -> list[tuple[int, int, int]]:
    """Return (attribute, form, implicit constant) of one abbreviation."""
    while True:
        code, at = _uleb(data, at)
        if code == 0:
            return []
        _, at = _uleb(data, at)
        at += 1
        forms = []
        while True:
            attribute, at = _uleb(data, at)
            form, at = _uleb(data, at)
            constant = 0
            if form == _IMPLICIT:
                constant, at = _uleb(data, at)
            if not attribute:
                break
            forms.append((attribute, form, constant))
        if code == wanted:
            return forms


def _attributes(
    info: memoryview, at: int, forms: list[tuple[int, int, int]]
) -> dict[int, tuple[int, int]]:
    """Read attributes up to the first in a form that is not known (clang uses none)."""
    found = {}
    for attribute, form, constant in forms:
        value = constant
        if form in _FIXED:
            value, at = _integer(info, at, _FIXED[form]), at + _FIXED[form]
        elif form in _ULEB:
            value, at = _uleb(info, at)
        elif form == _STRING:
            value, at = at, at + len(_string(info, at)) + 1
        elif form != _IMPLICIT:
            break
        found[attribute] = form, value
    return found


def _unit_name(sections: Sections, unit: _Unit) -> str | None:
    form, value = unit.attributes.get(_NAME, (0, 0))
    if form in _STRX:
        table = sections[".debug_str_offsets"]
        value = _integer(table, unit.base(_STR_OFFSETS_BASE) + 4 * value, 4)
    where = {_LINE_STRP: ".debug_line_str", _STRING: ".debug_info"}.get(form, ".debug_str")
    return _string(sections[where], value).decode("utf-8", "replace") if form else None


def _ranges(sections: Sections, unit: _Unit) -> Iterator[tuple[int, int]]:
    """Yield the addresses of a unit's code: first, and one behind the last."""
    low = _address(sections, unit, *unit.attributes.get(_LOW_PC, (_ADDR, 0)))
    if _HIGH_PC in unit.attributes:
        form, value = unit.attributes[_HIGH_PC]
        high = value if form == _ADDR else low + value
        yield low, high
    elif _RANGES in unit.attributes:
        form, value = unit.attributes[_RANGES]
        if unit.version == 4:
            yield from _old_list(sections[".debug_ranges"], value, low)
            return
        if form == _RNGLISTX:
            base = unit.base(_RNGLISTS_BASE)
            value = base + _integer(sections[".debug_rnglists"], base + 4 * value, 4)
        yield from _list(sections, unit, value, low)


def _old_list(data: memoryview, at: int, base: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a DWARF 4 range list."""
    while True:
        start, end = struct.unpack_from("<QQ", data, at)
        at += 16
        if start == end == 0:
            return
        if start == 2**64 - 1:
            base = end
        elif start < end:
            yield base + start, base + end


def _list(sections: Sections, unit: _Unit, at: int, base: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a DWARF 5 range list (DW_RLE_…, section 7.25)."""
    data = sections[".debug_rnglists"]

    def operand(sized: bool, at: int) -> tuple[int, int]:  # noqa: FBT001  as the table below has it
        return (_integer(data, at, 8), at + 8) if sized else _uleb(data, at)

    while data[at]:
        kind = data[at]
        first, at = operand(kind in {5, 6, 7}, at + 1)
        second = 0
        if kind not in {1, 5}:
            second, at = operand(kind == 6, at)
        if kind in {1, 2, 3}:
            first = _address(sections, unit, _ADDRX_ANY, first)
        match kind:
            case 1 | 5:
                base = first
                continue
            case 2:
                pair = first, _address(sections, unit, _ADDRX_ANY, second)
            case 4:
                pair = base + first, base + second
            case 6:
                pair = first, second
            case _:
                pair = first, first + second
        if pair[0] < pair[1]:
            yield pair


def _address(sections: Sections, unit: _Unit, form: int, value: int) -> int:
    """Return an address that a form gives in place or by its index."""
    if form not in _ADDRX:
        return value
    return _integer(sections[".debug_addr"], unit.base(_ADDR_BASE) + 8 * value, 8)


def _integer(data: memoryview, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError(f"{size} bytes at {at} lie beyond the end of a section")
    return int.from_bytes(data[at : at + size], "little")


def _uleb(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _string(data: memoryview, at: int) -> bytes:
    """Return the string at an offset, up to its NUL."""
    size = 256
    while True:
        text = data[at : at + size].tobytes()
        if (end := text.find(b"\0")) >= 0:
            return text[:end]
        if len(text) < size:
            raise IndexError(f"the string at {at} does not end")
        size *= 2
