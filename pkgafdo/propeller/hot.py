"""The part of a program that is laid out: the executed blocks of functions that may move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from pkgafdo.propeller.graph import ProgramGraph

    Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HotCode:
    """Blocks numbered over all functions that are laid out; the entry block of each comes first.

    functions: the graph's number of each function. blocks: the graph's number of each block.
    first_block: CSR of blocks over functions. sizes, counts: of each block.
    edge_src, edge_dst, edge_weights: edges between these blocks, sorted by source, each pair once.
    """

    functions: Ints
    blocks: Ints
    first_block: Ints
    sizes: Ints
    counts: Ints
    edge_src: Ints
    edge_dst: Ints
    edge_weights: Ints

    @property
    def function_of_block(self) -> Ints:
        """The function of each block, as numbered here."""
        return np.repeat(np.arange(len(self.functions)), np.diff(self.first_block))


def join_edges(graph: ProgramGraph) -> tuple[Ints, Ints, Ints]:
    """Return (source, destination, weight) with jump and fall-through of one pair added up."""
    pair = graph.edge_src * graph.blocks + graph.edge_dst
    pairs, where = np.unique(pair, return_inverse=True)
    weights = np.zeros(len(pairs), np.int64)
    np.add.at(weights, where, graph.edge_weights)
    return pairs // graph.blocks, pairs % graph.blocks, weights


def find_hot(graph: ProgramGraph, cold_below: int) -> HotCode:
    """Return what was executed at least so often, and the entries of the functions it is in."""
    owner = np.repeat(np.arange(graph.functions), np.diff(graph.first_block))
    hot = (graph.counts >= max(cold_below, 1)) & graph.movable[owner]
    functions = np.unique(owner[hot])
    hot[graph.first_block[functions]] = True
    blocks = np.flatnonzero(hot)
    number = np.full(graph.blocks, -1)
    number[blocks] = np.arange(len(blocks))
    src, dst, weights = join_edges(graph)
    inside = hot[src] & hot[dst]
    return HotCode(
        functions=functions,
        blocks=blocks,
        first_block=np.searchsorted(owner[blocks], np.append(functions, graph.functions)),
        sizes=graph.sizes[blocks],
        counts=graph.counts[blocks],
        edge_src=number[src[inside]],
        edge_dst=number[dst[inside]],
        edge_weights=weights[inside],
    )
