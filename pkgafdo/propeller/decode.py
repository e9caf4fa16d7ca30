"""The compiled loop that decodes basic-block address maps.

Format: llvm/docs/Extensions.rst (SHT_LLVM_BB_ADDR_MAP) and decodeBBAddrMap in LLVM's
lib/Object/ELF.cpp (BBAddrMap.cpp in LLVM 23). An entry, with numbers in ULEB128 if no width is said:

    version u8 · features u8 (u16 from version 5 on)
    [number of ranges]                                    MULTI_RANGE; else there is one
    each range: address u64 · number of blocks
      each block, unless OMIT_BLOCKS: id · distance from the end of the block before
        [number of call sites · each one's distance from the place before]      CALL_SITES
        size (from the last call site) · metadata · [hash u64]                  HASH
    [entry count]                                         ENTRY_COUNT
    each block again, with FREQUENCY or PROBABILITY: [frequency] · [frequency] POST_LINK
      [number of successors · each: id · probability · [frequency] POST_LINK]   PROBABILITY
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pkgafdo.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Data = NDArray[np.uint8]
    Number = np.int64 | int

OLDEST: Final = 2
"""What LLVM 19 and 20 write."""
NEWEST: Final = 5
"""What LLVM 22 writes; 21 writes version 3."""
_WIDE_FEATURES: Final = 5

ENTRY_COUNT: Final = 1
FREQUENCY: Final = 2
PROBABILITY: Final = 4
MULTI_RANGE: Final = 8
OMIT_BLOCKS: Final = 16
CALL_SITES: Final = 32
HASH: Final = 64
POST_LINK: Final = 128
_KNOWN_FEATURES: Final = 255
_KNOWN_METADATA: Final = 31

LEAST_ENTRY: Final = 11
"""Bytes of an entry with one range and without blocks; a further range has 9."""
LEAST_BLOCK: Final = 4
"""Bytes of a block, at the least."""
_WORD: Final = 8
_LARGEST: Final = (1 << 32) - 1
"""Of all numbers but branch weights (LLVM refuses larger ones too)."""


class Fault(IntEnum):
    """Why a map cannot be decoded."""

    NONE = 0
    TRUNCATED = 1
    VERSION = 2
    FEATURES = 3
    METADATA = 4
    TOO_LARGE = 5
    NO_RANGES = 6


_VERSION: Final = int(Fault.VERSION)
_FEATURES: Final = int(Fault.FEATURES)
_METADATA: Final = int(Fault.METADATA)
_TOO_LARGE: Final = int(Fault.TOO_LARGE)
_TRUNCATED: Final = int(Fault.TRUNCATED)
_NO_RANGES: Final = int(Fault.NO_RANGES)


class Columns(NamedTuple):
    """What is filled, in the map's order: a row for each function, and for each block.

    entry, first_block: uint64 and int64, one for each function (first_block has one more).
    start, size, id, flags: uint64, int64, int32, uint8, one for each block.
    state: int64[6]: functions, blocks, a Fault, its offset, its value, the versions seen (as bits).
    """

    entry: NDArray[np.uint64]
    first_block: NDArray[np.int64]
    start: NDArray[np.uint64]
    size: NDArray[np.int64]
    id: NDArray[np.int32]
    flags: NDArray[np.uint8]
    state: NDArray[np.int64]


def empty_columns(size: int) -> Columns:
    """Return columns with room for whatever a section of so many bytes can hold."""
    functions, blocks = size // LEAST_ENTRY + 1, size // LEAST_BLOCK + 1
    return Columns(
        entry=np.empty(functions, np.uint64),
        first_block=np.empty(functions + 1, np.int64),
        start=np.empty(blocks, np.uint64),
        size=np.empty(blocks, np.int64),
        id=np.empty(blocks, np.int32),
        flags=np.empty(blocks, np.uint8),
        state=np.zeros(6, np.int64),
    )


@compiled
def _fail(columns: Columns, fault: int, at: int, value: Number) -> int:
    """Remember the first fault; the offset -1 ends all loops."""
    if columns.state[2] == 0:
        columns.state[2], columns.state[3], columns.state[4] = fault, at, value
    return -1


@compiled
def _any_number(data: Data, at: int, columns: Columns) -> tuple[Number, int]:
    """Return the number at `at` (of a large one the low bits) and the offset behind it, or -1."""
    value, shift, place = np.int64(0), 0, at
    while 0 <= place < len(data):
        byte = np.int64(data[place])
        place += 1
        if shift < 56:
            value |= (byte & 127) << shift
        elif byte & 127:
            value |= 1 << 62
        if byte < 128:
            return value, place
        shift += 7
    return value, _fail(columns, _TRUNCATED, at, 0)


@compiled
def _number(data: Data, at: int, columns: Columns) -> tuple[Number, int]:
    """Return the 32-bit number at `at` and the offset behind it, or -1."""
    value, behind = _any_number(data, at, columns)
    if value > _LARGEST:
        return 0, _fail(columns, _TOO_LARGE, at, value)
    return value, behind


@compiled
def _word(data: Data, at: int, columns: Columns) -> tuple[np.uint64, int]:
    """Return the 64-bit word at `at` and the offset behind it, or -1."""
    value = np.uint64(0)
    if at < 0 or at + _WORD > len(data):
        return value, _fail(columns, _TRUNCATED, at, 0)
    for place in range(_WORD):
        value |= np.uint64(data[at + place]) << np.uint64(8 * place)
    return value, at + _WORD


@compiled
def _head(data: Data, at: int, columns: Columns) -> tuple[Number, int]:
    """Return an entry's features and the offset behind them, or -1."""
    version = np.int64(data[at])
    wide = version >= _WIDE_FEATURES
    behind = at + (3 if wide else 2)
    if not OLDEST <= version <= NEWEST:
        return 0, _fail(columns, _VERSION, at, version)
    if behind > len(data):
        return 0, _fail(columns, _TRUNCATED, at, 0)
    features = np.int64(data[at + 1]) | (np.int64(data[at + 2]) << 8 if wide else 0)
    too_new = (
        (features & CALL_SITES and version < 3)
        or (features & HASH and version < 4)
        or (features & POST_LINK and version < 5)
    )
    if features & ~_KNOWN_FEATURES or too_new:
        return 0, _fail(columns, _FEATURES, at, features)
    columns.state[5] |= 1 << version
    return features, behind


@compiled
def _block(
    data: Data, at: int, features: Number, previous_end: np.uint64, columns: Columns
) -> tuple[np.uint64, int]:
    """Fill in a block; return the address where it ends, and the offset behind it, or -1."""
    ident, at = _number(data, at, columns)
    distance, at = _number(data, at, columns)
    size: Number = 0
    if features & CALL_SITES:
        sites, at = _number(data, at, columns)
        while sites > 0 and at >= 0:
            step, at = _number(data, at, columns)
            size += step
            sites -= 1
    rest, at = _number(data, at, columns)
    size += rest
    metadata_at = at
    metadata, at = _number(data, at, columns)
    if metadata & ~_KNOWN_METADATA:
        at = _fail(columns, _METADATA, metadata_at, metadata)
    if features & HASH and at >= 0:
        _, at = _word(data, at, columns)
    start = previous_end + np.uint64(distance)
    if at >= 0:
        row = columns.state[1]
        columns.start[row], columns.size[row] = start, size
        columns.id[row], columns.flags[row] = ident, metadata
        columns.state[1] += 1
    return start + np.uint64(size), at


@compiled
def _ranges(data: Data, at: int, features: Number, columns: Columns) -> int:
    """Fill in a function and its blocks; return the offset behind them, or -1."""
    ranges: Number = 1
    if features & MULTI_RANGE:
        counted_at = at
        ranges, at = _number(data, at, columns)
        if ranges == 0 and at >= 0:
            return _fail(columns, _NO_RANGES, counted_at, 0)
    function = columns.state[0]
    columns.first_block[function] = columns.state[1]
    for index in range(ranges):
        address, at = _word(data, at, columns)
        blocks, at = _number(data, at, columns)
        if at < 0:
            return at
        if index == 0:
            columns.entry[function] = address
        if features & OMIT_BLOCKS:
            continue
        end = address
        while blocks > 0 and at >= 0:
            end, at = _block(data, at, features, end, columns)
            blocks -= 1
    columns.state[0] += 1
    columns.first_block[function + 1] = columns.state[1]
    return at


@compiled
def _skip_weights(data: Data, at: int, features: Number, blocks: Number, columns: Columns) -> int:
    """Return the offset behind the counts that the compiler had of a function, or -1."""
    if features & ENTRY_COUNT and at >= 0:
        _, at = _any_number(data, at, columns)
    if not features & (FREQUENCY | PROBABILITY):
        return at
    before = (1 if features & FREQUENCY else 0) + (1 if features & POST_LINK else 0)
    while blocks > 0 and at >= 0:
        for _ in range(before):
            _, at = _any_number(data, at, columns)
        if features & PROBABILITY:
            successors, at = _number(data, at, columns)
            numbers = successors * (3 if features & POST_LINK else 2)
            while numbers > 0 and at >= 0:
                _, at = _any_number(data, at, columns)
                numbers -= 1
        blocks -= 1
    return at


@compiled
def decode(data: Data, columns: Columns) -> None:
    """Decode a whole section into columns that `empty_columns` made for its size."""
    at = 0
    columns.first_block[0] = 0
    while 0 <= at < len(data):
        features, at = _head(data, at, columns)
        blocks = columns.state[1]
        if at >= 0:
            at = _ranges(data, at, features, columns)
        if at >= 0:
            at = _skip_weights(data, at, features, columns.state[1] - blocks, columns)
