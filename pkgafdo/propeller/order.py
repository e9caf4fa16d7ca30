"""The order of functions in the hot text: callers before callees, what runs together side by side.

Plain arrays in, indices out: the same order serves a Propeller layout (the sizes of the hot parts)
and a symbol-ordering file for the linker (the sizes of whole functions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.jit import compiled
from pkgafdo.propeller.cachesort import Calls, cache_chains
from pkgafdo.propeller.settings import HUGE_PAGE, OrderMethod

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]


def order_functions(
    sizes: Ints, counts: Ints, call_src: Ints, call_dst: Ints, call_offsets: Ints | None,
    call_weights: Ints, method: OrderMethod | str = OrderMethod.CACHE_DIRECTED,
    cluster_bytes: int = HUGE_PAGE,
) -> Ints:  # fmt: skip
    """Return the functions that were executed, in the order in which they should lie.

    `sizes` are bytes of hot code, `counts` how often each function was entered; a call goes from
    function `call_src`, so many bytes behind its start (its middle if not given), to `call_dst`.
    Functions with neither a count nor a call are left out. Ties go by index.
    """
    real = (call_src != call_dst) & (call_weights > 0)
    src, dst, weights = call_src[real], call_dst[real], call_weights[real]
    offsets = sizes[src] // 2 if call_offsets is None else call_offsets[real]
    sizes = np.maximum(sizes, 1)
    incoming = np.bincount(dst, weights, minlength=len(sizes)).astype(np.int64)
    outgoing = np.bincount(src, weights, minlength=len(sizes)).astype(np.int64)
    # A recording may begin inside a function: then it is called less often than it calls.
    counts = np.maximum(counts, np.maximum(incoming, outgoing))
    match OrderMethod(method):
        case OrderMethod.C3:
            chain, place = _call_chains(
                sizes, counts, *_best_callers(src, dst, weights, incoming), cluster_bytes
            )
        case OrderMethod.CACHE_DIRECTED:
            calls = Calls(src, dst, offsets, weights.astype(np.float64))
            chain, place = cache_chains(sizes, counts.astype(np.float64), calls)
        case OrderMethod.DENSITY:
            chain, place = np.arange(len(sizes)), np.zeros(len(sizes), np.int64)
        case OrderMethod.SOURCE:
            return np.flatnonzero(counts)
    return _concatenate(sizes, counts, chain, place)


def _concatenate(sizes: Ints, counts: Ints, chain: Ints, place: Ints) -> Ints:
    """Return executed functions by the density of their chain, then by their place in it."""
    count = np.bincount(chain, counts.astype(np.float64), minlength=len(sizes))
    size = np.bincount(chain, sizes, minlength=len(sizes))
    density = (count / np.maximum(size, 1))[chain]
    order = np.lexsort((place, chain, -density))
    return order[counts[order] > 0].astype(np.int64)


def _best_callers(src: Ints, dst: Ints, weights: Ints, incoming: Ints) -> tuple[Ints, Ints]:
    """Return each function's most frequent caller (-1: none that matters) and its calls.

    A caller matters when it makes more than a tenth of the calls: lld's CallGraphSort.cpp.
    """
    pair, where = np.unique(dst * len(incoming) + src, return_inverse=True)
    sums = np.bincount(where, weights, minlength=len(pair)).astype(np.int64)
    target, source = pair // len(incoming), pair % len(incoming)
    # The last row of each target is its most frequent caller, the lowest index among equals.
    rows = np.lexsort((-source, sums, target))
    caller = np.full(len(incoming), -1, np.int64)
    weight = np.zeros(len(incoming), np.int64)
    caller[target[rows]] = source[rows]
    weight[target[rows]] = sums[rows]
    caller[weight * 10 <= incoming] = -1
    return caller, weight


DENSITY_LOSS: Final = 8
"""A cluster does not take in another that makes it this much less dense (CallGraphSort.cpp)."""


@compiled
def _call_chains(
    sizes: Ints, counts: Ints, caller: Ints, calls: Ints, cluster_bytes: int
) -> tuple[Ints, Ints]:
    """Append each function's cluster to its best caller's, the hottest functions first."""
    total = len(sizes)
    chain, place = np.arange(total), np.zeros(total, np.int64)
    following, last = np.full(total, -1), np.arange(total)
    members = np.ones(total, np.int64)
    size, weight = sizes.copy(), counts.astype(np.float64)
    for function in np.argsort(-(counts / sizes), kind="mergesort"):
        if caller[function] < 0 or calls[function] <= 0:
            continue
        mine, into = chain[function], chain[caller[function]]
        merged = size[mine] + size[into]
        if mine == into or merged > cluster_bytes:
            continue
        if weight[into] / size[into] > DENSITY_LOSS * (weight[mine] + weight[into]) / merged:
            continue
        following[last[into]] = mine
        at = mine
        while at >= 0:
            chain[at] = into
            place[at] += members[into]
            at = following[at]
        last[into] = last[mine]
        members[into] += members[mine]
        size[into], weight[into] = merged, weight[into] + weight[mine]
    return chain, place
