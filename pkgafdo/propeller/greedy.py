"""The greedy layout of blocks: the heaviest edges become fall-throughs (Pettis & Hansen, PLDI 1990).

For comparison with ext-TSP: it knows neither distances nor what a join costs elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pkgafdo.jit import compiled

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from pkgafdo.propeller.hot import HotCode

    Ints: TypeAlias = NDArray[np.int64]


@compiled
def _chain_up(blocks: int, first_block: Ints, src: Ints, dst: Ints) -> tuple[Ints, Ints]:
    """Return each block's chain (the chain's first block) and its place there; edges best first."""
    head, tail = np.arange(blocks), np.arange(blocks)
    after = np.full(blocks, -1)
    entry = np.zeros(blocks, np.bool_)
    entry[first_block[:-1]] = True
    for edge in range(len(src)):
        source, target = src[edge], dst[edge]
        top = source
        while head[top] != top:
            head[top] = head[head[top]]
            top = head[top]
        free = tail[top] == source and head[target] == target and top != target
        if free and not entry[target]:
            after[source] = target
            tail[top] = tail[target]
            head[target] = top
    chain, place = np.zeros(blocks, np.int64), np.zeros(blocks, np.int64)
    for block in range(blocks):
        at, count = block, 0
        while head[block] == block and at >= 0:
            chain[at], place[at] = block, count
            at, count = after[at], count + 1
    return chain, place


def greedy_order(code: HotCode) -> Ints:
    """Return all blocks, function by function: the entry's chain first, then the hottest."""
    heaviest = np.lexsort((code.edge_dst, code.edge_src, -code.edge_weights))
    src, dst = code.edge_src[heaviest], code.edge_dst[heaviest]
    chain, place = _chain_up(len(code.blocks), code.first_block, src, dst)
    hottest = np.zeros(len(code.blocks), np.int64)
    np.maximum.at(hottest, chain, code.counts)
    hottest[code.first_block[:-1]] = np.iinfo(np.int64).max
    return np.lexsort((place, chain, -hottest[chain], code.function_of_block))
