"""The layout of a program: the order of its functions, and of the hot blocks within each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.propeller.exttsp import ext_tsp_order
from pkgafdo.propeller.greedy import greedy_order
from pkgafdo.propeller.hot import find_hot, join_edges
from pkgafdo.propeller.order import order_functions
from pkgafdo.propeller.score import Expected, expect, ext_tsp_scores, place_blocks
from pkgafdo.propeller.settings import CACHE_LINE, BlockMethod, LayoutSettings

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    from pkgafdo.propeller.graph import ProgramGraph
    from pkgafdo.propeller.hot import HotCode

    Ints: TypeAlias = NDArray[np.int64]

FAR: Final = 1 << 40
"""How far away the cold part of a function is taken to be: no jump there is short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionLayout:
    """A function's clusters of block ids, in order; the entry block is the first of the first.

    aliases: its other names: which of all is the compiler's is not known. module: the source file,
    where the name alone is ambiguous. has_cold: whether some of its blocks are in no cluster.
    """

    name: str
    aliases: tuple[str, ...] = ()
    module: str | None
    clusters: tuple[tuple[int, ...], ...]
    has_cold: bool

    @property
    def names(self) -> tuple[str, ...]:
        """All of its names."""
        return self.name, *self.aliases


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Functions in the order in which they should lie, and what to expect of it.

    before, after: of the program as it was recorded, and when it is laid out. hot_bytes: of the
    blocks in clusters; cold_bytes: of the other blocks of the same functions. left_alone: executed
    functions that may not move.
    """

    functions: tuple[FunctionLayout, ...]
    before: Expected
    after: Expected
    hot_bytes: int
    cold_bytes: int
    left_alone: int


def lay_out(graph: ProgramGraph, settings: LayoutSettings) -> Layout:
    """Return the layout of a program that suits how often its blocks and calls were executed."""
    code = find_hot(graph, settings.cold_below)
    order = order_blocks(code, settings.blocks)
    starts = _whole_starts(graph, code, order)
    edges = join_edges(graph)
    source_starts = place_blocks(np.arange(graph.blocks), graph.sizes, graph.first_block)
    functions = _order(graph, code, starts, settings)
    laid_out = np.isin(graph.function_of(np.arange(graph.blocks)), code.functions)
    hot_bytes = int(code.sizes.sum())
    return Layout(
        functions=tuple(_function_layouts(graph, code, order, functions)),
        before=expect(source_starts, graph.sizes, *edges),
        after=expect(starts, graph.sizes, *edges),
        hot_bytes=hot_bytes,
        cold_bytes=int(graph.sizes[laid_out].sum()) - hot_bytes,
        left_alone=int((~graph.movable).sum()),
    )


def order_blocks(code: HotCode, method: BlockMethod) -> Ints:
    """Return all hot blocks, function by function, each function's entry first."""
    source = np.arange(len(code.blocks))
    match method:
        case BlockMethod.SOURCE:
            return source
        case BlockMethod.GREEDY:
            return greedy_order(code)
        case BlockMethod.EXT_TSP:
            return _best_orders(code, (ext_tsp_order(code), source, greedy_order(code)))


def _best_orders(code: HotCode, orders: tuple[Ints, ...]) -> Ints:
    """Take each function from the order that scores highest for it, the first among equals."""
    edges = (code.edge_src, code.edge_dst, code.edge_weights)
    owner = code.function_of_block
    scores = []
    for order in orders:
        worth = ext_tsp_scores(
            place_blocks(order, code.sizes, code.first_block), code.sizes, *edges
        )
        scores.append(np.bincount(owner[code.edge_src], worth, minlength=len(code.functions)))
    # Sums of floats in another order differ in their last bits.
    best = np.argmax(np.round(scores, 6), axis=0)[owner]
    return np.asarray(np.choose(best, orders), np.int64)


def _whole_starts(graph: ProgramGraph, code: HotCode, order: Ints) -> Ints:
    """Return where every block of the graph starts in the layout, from its function's start."""
    owner = graph.function_of(np.arange(graph.blocks))
    cold = np.isin(owner, code.functions)
    cold[code.blocks] = False
    rank = np.arange(graph.blocks)
    rank[code.blocks[order]] = np.arange(len(order))
    whole = np.lexsort((rank, cold, owner))
    return place_blocks(whole, graph.sizes, graph.first_block) + np.where(cold, FAR, 0)


def _order(graph: ProgramGraph, code: HotCode, starts: Ints, settings: LayoutSettings) -> Ints:
    """Return the laid out functions (as `code` numbers them) in their order."""
    number = np.full(graph.functions, -1)
    number[code.functions] = np.arange(len(code.functions))
    src, dst = number[graph.function_of(graph.call_src)], number[graph.call_dst]
    # Where in its block a call lies is not recorded.
    offsets = starts[graph.call_src] + graph.sizes[graph.call_src] // 2
    known = (src >= 0) & (dst >= 0) & (offsets < FAR)
    sizes = np.add.reduceat(code.sizes, code.first_block[:-1])
    sizes = -(-sizes // CACHE_LINE) * CACHE_LINE
    # Functions that were never entered while recording, only returned into, count once.
    counts = np.maximum(graph.entries[code.functions], 1)
    return order_functions(
        sizes, counts, src[known], dst[known], offsets[known],
        graph.call_weights[known], settings.functions, settings.cluster_bytes,
    )  # fmt: skip


def _function_layouts(
    graph: ProgramGraph, code: HotCode, order: Ints, functions: Ints
) -> list[FunctionLayout]:
    """Describe the functions in the given order."""
    ids = graph.ids[code.blocks[order]].tolist()
    bounds = code.first_block.tolist()
    sizes = np.diff(graph.first_block)
    layouts = []
    for function in functions.tolist():
        index = int(code.functions[function])
        cluster = tuple(ids[bounds[function] : bounds[function + 1]])
        layouts.append(
            FunctionLayout(
                name=graph.names[index],
                aliases=graph.aliases[index],
                module=graph.modules[index],
                clusters=(cluster,),
                has_cold=len(cluster) < int(sizes[index]),
            )
        )
    return layouts
