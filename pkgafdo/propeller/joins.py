"""What joining two chains of blocks gains in the score of ext-TSP, and the best way to join them.

An edge is worth its weight × 1 when it falls through, and × up to 0.1, less with distance, when it
jumps at most 1024 bytes forward or 640 backward. The parameters and limits are those of
llvm/lib/Transforms/Utils/CodeLayout.cpp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pkgafdo.jit import compiled

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    Records: TypeAlias = NDArray[Any]
    Ints: TypeAlias = NDArray[np.int64]
    Gain: TypeAlias = tuple[float, int, int]

FALL_THROUGH: Final = 1.0
ONLY_SUCCESSOR: Final = 1.05
"""A fall-through from a block with one successor saves an instruction besides the jump."""
JUMP: Final = 0.1
FORWARD_BYTES: Final = 1024
BACKWARD_BYTES: Final = 640

SPLIT_BLOCKS: Final = 128
"""Longer chains are split only where a jump to or from the other chain ends."""
EPSILON: Final = 1e-8

# How chain X, split into X1 and X2, takes in chain Y.
X_Y: Final = 1
X1_Y_X2: Final = 2
Y_X2_X1: Final = 4
X2_X1_Y: Final = 8

BLOCK: Final = [
    ("size", "i8"), ("weight", "f8"), ("first_edge", "i8"), ("forced", "i8"), ("forced_by", "i8"),
    ("chain", "i8"), ("start", "i8"), ("after", "i8"), ("joined", "?"),
]  # fmt: skip
"""size, weight: bytes and executions. first_edge: CSR over the blocks, which edges leave each.
forced, forced_by: the block that must follow, that must precede (-1: none). chain, start, after: its
chain, its offset there in bytes, the block behind it (-1: end). joined: an edge leads there."""

CHAIN: Final = [
    ("head", "i8"), ("tail", "i8"), ("size", "i8"), ("weight", "f8"), ("members", "i8"),
    ("pinned", "?"), ("version", "i8"), ("entries", "i8"), ("last_entry", "i8"),
    ("inner", "i8"), ("shared", "i8"),
]  # fmt: skip
"""head, tail: first and last block. pinned: it begins with the function's entry. version: changes
with the chain; -1: it is gone. Lists of edges (-1: empty): entries, those that leave or enter it, as
2 × edge or 2 × edge + 1; inner, those inside; shared, scratch, those between one chain and this."""

EDGE: Final = [
    ("src", "i8"), ("dst", "i8"), ("weight", "f8"), ("falling", "f8"), ("next_inner", "i8"),
    ("next_shared", "i8"),
]  # fmt: skip
"""falling: what it is worth as a fall-through. next_inner, next_shared: the lists that it is in."""


class Code(NamedTuple):
    """A program in the making; a chain is named by one of its blocks.

    Records, not a column for each field: numba compiles calls with dozens of arrays several times
    slower. next_entry: of the chains' lists of entries.
    """

    blocks: Records
    chains: Records
    edges: Records
    next_entry: Ints


@compiled
def _worth(end: int, target: int, weight: float, falling: float) -> float:
    """Return what an edge is worth from the end of its source to the start of its target."""
    if end == target:
        return falling
    if end < target:
        return max(0.0, JUMP * weight * (1.0 - (target - end) / FORWARD_BYTES))
    return max(0.0, JUMP * weight * (1.0 - (end - target) / BACKWARD_BYTES))


@compiled
def list_neighbours(mine: int, code: Code) -> list[int]:
    """Sort a chain's outer edges into `shared`, by neighbour; return the neighbours.

    Edges that came to have both ends in the chain are dropped from its outer edges.
    """
    blocks, chains, edges, next_entry = code
    found = [mine for _ in range(0)]
    before, entry = -1, chains[mine].entries
    while entry >= 0:
        edge = edges[entry // 2]
        other = blocks[edge.src].chain + blocks[edge.dst].chain - mine
        if other != mine:
            if chains[other].shared < 0:
                found.append(other)
            edge.next_shared = chains[other].shared
            chains[other].shared = entry // 2
            if before < 0:
                chains[mine].entries = entry
            else:
                next_entry[before] = entry
            before = entry
        entry = next_entry[entry]
    if before < 0:
        chains[mine].entries = -1
    else:
        next_entry[before] = -1
    chains[mine].last_entry = before
    return found


@compiled
def _gain(
    x: int, shared: int, split: int, move_1: int, move_2: int, move_y: int, code: Code
) -> float:
    """Return the gain when X1 (the first `split` bytes of X), X2 and Y move by so many bytes."""
    gain = 0.0
    at = shared
    while at >= 0:
        edge = code.edges[at]
        source, target = code.blocks[edge.src], code.blocks[edge.dst]
        end, begin = source.start + source.size, target.start
        if source.chain == x:
            end += move_1 if source.start < split else move_2
            begin += move_y
        else:
            begin += move_1 if begin < split else move_2
            end += move_y
        gain += _worth(end, begin, edge.weight, edge.falling)
        at = edge.next_shared
    if split == code.chains[x].size:
        return gain
    at = code.chains[x].inner
    while at >= 0:
        edge = code.edges[at]
        source, begin = code.blocks[edge.src], code.blocks[edge.dst].start
        if (source.start < split) != (begin < split):
            end = source.start + source.size
            gain -= _worth(end, begin, edge.weight, edge.falling)
            end += move_1 if source.start < split else move_2
            begin += move_1 if begin < split else move_2
            gain += _worth(end, begin, edge.weight, edge.falling)
        at = edge.next_inner
    return gain


@compiled
def _try_split(best: Gain, x: int, y: int, shared: int, split: int, ways: int, code: Code) -> Gain:
    """Return the better of the best gain so far and those of splitting X after so many bytes."""
    size_x, size_y = code.chains[x].size, code.chains[y].size
    if split <= 0 or split >= size_x:
        return best
    for way in (X1_Y_X2, Y_X2_X1, X2_X1_Y):
        if not ways & way:
            continue
        move_1, move_2, move_y = 0, size_y, split
        if way == Y_X2_X1:
            move_1, move_2, move_y = size_x + size_y - split, size_y - split, 0
        elif way == X2_X1_Y:
            move_1, move_2, move_y = size_x - split, -split, size_x
        gain = _gain(x, shared, split, move_1, move_2, move_y, code)
        if gain > best[0] + EPSILON:
            best = (gain, way, split)
    return best


@compiled
def best_gain(x: int, y: int, shared: int, code: Code) -> Gain:
    """Return the largest gain of joining X and Y, how, and after how many bytes X is split."""
    blocks, chains = code.blocks, code.chains
    size, head, tail = chains[x].size, chains[y].head, chains[y].tail
    best, allowed = (0.0, X_Y, size), X_Y + X1_Y_X2 + Y_X2_X1 + X2_X1_Y
    if chains[y].pinned:
        allowed = Y_X2_X1
    elif chains[x].pinned:
        allowed = X_Y + X1_Y_X2
    if allowed & X_Y:
        best = (_gain(x, shared, size, 0, 0, size, code), X_Y, size)
    at = shared
    while at >= 0:
        edge = code.edges[at]
        source, target = blocks[edge.src], blocks[edge.dst]
        if edge.dst == head and source.forced < 0:
            ways = allowed & (X1_Y_X2 + X2_X1_Y)
            best = _try_split(best, x, y, shared, source.start + source.size, ways, code)
        if edge.src == tail and target.forced_by < 0:
            ways = allowed & (X1_Y_X2 + Y_X2_X1)
            best = _try_split(best, x, y, shared, target.start, ways, code)
        at = edge.next_shared
    if chains[x].members <= SPLIT_BLOCKS:
        at = chains[x].head
        while blocks[at].after >= 0:
            if not blocks[at].joined:
                split = blocks[blocks[at].after].start
                best = _try_split(best, x, y, shared, split, allowed, code)
            at = blocks[at].after
    return best
