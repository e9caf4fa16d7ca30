"""Address maps written by hand, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

RETURN, TAIL_CALL, EH_PAD, FALLS, INDIRECT = 1, 2, 4, 8, 16
ENTRY_COUNT, FREQUENCY, PROBABILITY, MULTI_RANGE, OMIT, CALL_SITES, HASH, POST_LINK = (
    1 << bit for bit in range(8)
)


@dataclass(frozen=True)
class Block:
    """A block: gap is the distance from the end of the one before, calls are offsets in it."""

    ident: int
    size: int
    flags: int = FALLS
    gap: int = 0
    calls: tuple[int, ...] = ()
    successors: int = 1


@dataclass(frozen=True)
class Function:
    """A function: ranges of (address, blocks)."""

    ranges: tuple[tuple[int, tuple[Block, ...]], ...]
    version: int = 2
    features: int = 0
    extra: bytes = field(default=b"")


def uleb(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def function(address: int, *blocks: Block, version: int = 2, features: int = 0) -> Function:
    return Function(((address, blocks),), version, features)


def encode(*functions: Function) -> bytes:
    return b"".join(map(_encode, functions))


def _encode(one: Function) -> bytes:
    out = bytearray([one.version])
    out += one.features.to_bytes(2 if one.version >= 5 else 1, "little")
    if one.features & MULTI_RANGE:
        out += uleb(len(one.ranges))
    for address, blocks in one.ranges:
        out += address.to_bytes(8, "little") + uleb(len(blocks))
        if not one.features & OMIT:
            out += b"".join(_block(block, one.features) for block in blocks)
    return bytes(out + _weights(one))


def _block(block: Block, features: int) -> bytes:
    out = uleb(block.ident) + uleb(block.gap)
    last = 0
    if features & CALL_SITES:
        out += uleb(len(block.calls))
        for offset in block.calls:
            out += uleb(offset - last)
            last = offset
    out += uleb(block.size - last) + uleb(block.flags)
    return out + (b"\x01234567\xff" if features & HASH else b"")


def _weights(one: Function) -> bytes:
    out = uleb(2**63) if one.features & ENTRY_COUNT else b""
    if not one.features & (FREQUENCY | PROBABILITY):
        return out
    for _, blocks in one.ranges:
        for block in blocks:
            out += uleb(2**60 + block.ident) if one.features & FREQUENCY else b""
            out += uleb(300) if one.features & POST_LINK else b""
            if one.features & PROBABILITY:
                out += uleb(block.successors)
                numbers = (1, 2**31, 7) if one.features & POST_LINK else (1, 2**31)
                out += block.successors * b"".join(map(uleb, numbers))
    return out
