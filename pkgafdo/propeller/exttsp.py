"""Ext-TSP: the order of a function's blocks that makes the most of fall-throughs and short jumps.

Newell & Pupyrev, Improved Basic Block Reordering (IEEE Transactions on Computers, 2020;
arXiv:1809.04676). Blocks that can only follow each other are joined, then chains of blocks, the best
gain first; one of the two may be split to take the other in. Limits as in LLVM's CodeLayout.cpp.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.jit import compiled
from pkgafdo.propeller.joins import (
    BLOCK,
    CHAIN,
    EDGE,
    EPSILON,
    FALL_THROUGH,
    ONLY_SUCCESSOR,
    X1_Y_X2,
    X_Y,
    Y_X2_X1,
    Code,
    best_gain,
    list_neighbours,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from pkgafdo.propeller.hot import HotCode
    from pkgafdo.propeller.joins import Records

    Ints: TypeAlias = NDArray[np.int64]
    Heap: TypeAlias = list[tuple[float, int, int, int, int, int, int]]

MOST_BLOCKS: Final = 512
"""Chains do not grow longer; keeps the time for huge functions in bounds."""
DENSITY_RATIO: Final = 100.0
"""Chains whose executions per byte differ by more are not joined."""


@compiled
def _judge(mine: int, least: int, code: Code, heap: Heap) -> None:
    """Put into the heap what joining a chain with its neighbours from `least` on would gain."""
    chains = code.chains
    for other in list_neighbours(mine, code):
        shared = chains[other].shared
        chains[other].shared = -1
        dense = chains[mine].weight / chains[mine].size
        ratio = dense / (chains[other].weight / chains[other].size)
        blocks = chains[mine].members + chains[other].members
        if other < least or blocks >= MOST_BLOCKS or max(ratio, 1 / ratio) > DENSITY_RATIO:
            continue
        x, y = mine, other
        for _ in range(2):
            gain, way, split = best_gain(x, y, shared, code)
            if gain > EPSILON:
                key = (-gain, x, y, chains[x].version, chains[y].version, way, split)
                heapq.heappush(heap, key)
            x, y = y, x


@compiled
def _link(x: int, y: int, way: int, split: int, code: Code) -> None:
    """Put the blocks of Y among those of X."""
    blocks, into, other = code.blocks, code.chains[x], code.chains[y]
    last = into.tail
    if way != X_Y:
        last = into.head
        while blocks[blocks[last].after].start < split:
            last = blocks[last].after
    second, head, tail = blocks[last].after, into.head, into.tail
    if way == X_Y:
        blocks[last].after = other.head
        into.tail = other.tail
    elif way == X1_Y_X2:
        blocks[last].after = other.head
        blocks[other.tail].after = second
    elif way == Y_X2_X1:
        blocks[other.tail].after = second
        blocks[tail].after = head
        blocks[last].after = -1
        into.head, into.tail = other.head, last
    else:
        blocks[tail].after = head
        blocks[last].after = other.head
        into.head, into.tail = second, other.tail


@compiled
def _join_edges(x: int, y: int, code: Code) -> None:
    """Make the edges between two chains, and those inside Y, inner edges of X; add Y's others."""
    _, chains, edges, next_entry = code
    for other in list_neighbours(x, code):
        at = chains[other].shared if other == y else -1
        chains[other].shared = -1
        while at >= 0:
            edges[at].next_inner = chains[x].inner
            chains[x].inner = at
            at = edges[at].next_shared
    at = chains[y].inner
    while at >= 0:
        following = edges[at].next_inner
        edges[at].next_inner = chains[x].inner
        chains[x].inner = at
        at = following
    if chains[x].entries < 0:
        chains[x].entries = chains[y].entries
    else:
        next_entry[chains[x].last_entry] = chains[y].entries
    if chains[y].entries >= 0:
        chains[x].last_entry = chains[y].last_entry


@compiled
def _join(x: int, y: int, way: int, split: int, code: Code) -> None:
    """Merge chain Y into chain X."""
    blocks, chains, edges, _ = code
    _join_edges(x, y, code)
    _link(x, y, way, split, code)
    chains[x].version += 1
    chains[y].version = -1
    chains[x].size += chains[y].size
    chains[x].weight += chains[y].weight
    chains[x].members += chains[y].members
    chains[x].pinned |= chains[y].pinned
    at, start = chains[x].head, 0
    while at >= 0:
        block = blocks[at]
        block.chain, block.start, block.joined = x, start, False
        for edge in range(block.first_edge, blocks[at + 1].first_edge):
            if edges[edge].dst == block.after:
                block.joined = True
        start += block.size
        at = block.after


@compiled
def _join_forced(low: int, high: int, code: Code) -> None:
    """Join blocks that have only each other; a ring of such opens before its lowest block."""
    blocks = code.blocks
    for block in range(low, high):
        at = blocks[block].forced
        while at >= 0 and at != block:
            at = blocks[at].forced
        if at == block:
            blocks[blocks[block].forced_by].forced = -1
            blocks[block].forced_by = -1
    for block in range(low, high):
        at = blocks[block].forced if blocks[block].forced_by < 0 else -1
        while at >= 0:
            _join(block, at, X_Y, code.chains[block].size, code)
            at = blocks[at].forced


@compiled
def _concatenate(low: int, high: int, code: Code, order: Ints) -> None:
    """List a function's blocks: the entry's chain, then the others by executions per byte."""
    chains = code.chains
    heap = [(-np.inf, code.blocks[low].chain)]
    for chain in range(low, high):
        if chains[chain].version >= 0 and not chains[chain].pinned:
            heapq.heappush(heap, (-chains[chain].weight / chains[chain].size, chain))
    place = low
    while heap:
        at = chains[heapq.heappop(heap)[1]].head
        while at >= 0:
            order[place] = at
            place += 1
            at = code.blocks[at].after


@compiled
def _arrange(first_block: Ints, code: Code, order: Ints) -> None:
    """Arrange function after function."""
    chains = code.chains
    heap = [(0.0, 0, 0, 0, 0, 0, 0) for _ in range(0)]
    for function in range(len(first_block) - 1):
        low, high = first_block[function], first_block[function + 1]
        chains[low].pinned = True
        _join_forced(low, high, code)
        for chain in range(low, high):
            if chains[chain].version >= 0:
                _judge(chain, chain, code, heap)
        while heap:
            _, x, y, version_x, version_y, way, split = heapq.heappop(heap)
            if chains[x].version == version_x and chains[y].version == version_y:
                _join(x, y, way, split, code)
                _judge(x, 0, code, heap)
        _concatenate(low, high, code, order)


def ext_tsp_order(hot: HotCode) -> Ints:
    """Return all blocks, function by function, each function's entry first."""
    order = np.empty(len(hot.blocks), np.int64)
    _arrange(hot.first_block, _separate(hot), order)
    return order


def _separate(hot: HotCode) -> Code:
    """Return the program with a chain for each block; self-edges do not matter and are left out."""
    kept = hot.edge_src != hot.edge_dst
    blocks = np.zeros(len(hot.blocks) + 1, BLOCK)
    chains = np.full(len(hot.blocks), -1, CHAIN)
    edges = np.full(int(kept.sum()), -1, EDGE)
    outs = np.bincount(hot.edge_src, minlength=len(hot.blocks))
    edges["src"], edges["dst"] = hot.edge_src[kept], hot.edge_dst[kept]
    edges["weight"] = hot.edge_weights[kept]
    falls = np.where(outs[edges["src"]] == 1, ONLY_SUCCESSOR, FALL_THROUGH)
    edges["falling"] = edges["weight"] * falls
    blocks["size"][:-1] = np.maximum(hot.sizes, 1)
    blocks["weight"][:-1] = np.maximum(hot.counts, 1)
    blocks["first_edge"] = np.searchsorted(edges["src"], np.arange(len(blocks)))
    blocks["chain"] = np.arange(len(blocks))
    blocks["after"] = -1
    _force(hot, blocks, edges, outs)
    chains["head"] = chains["tail"] = np.arange(len(chains))
    chains["size"], chains["weight"] = blocks["size"][:-1], blocks["weight"][:-1]
    chains["members"], chains["version"], chains["pinned"] = 1, 0, False
    return Code(blocks, chains, edges, _entry_lists(chains, edges))


def _force(hot: HotCode, blocks: Records, edges: Records, outs: Ints) -> None:
    """Note which blocks have only each other as successor and predecessor."""
    ins = np.bincount(edges["dst"], minlength=len(hot.blocks))
    # The entry has a predecessor that no edge shows.
    ins[hot.first_block[:-1]] += 1
    only = (outs[edges["src"]] == 1) & (ins[edges["dst"]] == 1)
    blocks["forced"], blocks["forced_by"] = -1, -1
    blocks["forced"][edges["src"][only]] = edges["dst"][only]
    blocks["forced_by"][edges["dst"][only]] = edges["src"][only]


def _entry_lists(chains: Records, edges: Records) -> Ints:
    """Start each block's list of entries in `chains`; return what follows each entry."""
    owner = np.column_stack((edges["src"], edges["dst"])).reshape(-1)
    entries = np.argsort(owner, kind="stable")
    fresh = np.diff(owner[entries], prepend=-1) != 0
    following = np.full(len(owner), -1)
    following[entries[:-1]] = np.where(fresh[1:], -1, entries[1:])
    chains["entries"][owner[entries[fresh]]] = entries[fresh]
    chains["last_entry"][owner[entries]] = entries
    return following
