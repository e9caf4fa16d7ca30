"""Cache-directed sort of functions: chains joined where it saves distance or misses of a cache.

The model and its parameters are those of LLVM's CDSort (llvm/lib/Transforms/Utils/CodeLayout.cpp,
CDSortConfig): a call over d bytes is worth weight × d^-1/4, and a chain's share of executions that
misses a cache of 16 entries of 2 KiB falls with its density.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from pkgafdo.jit import compiled

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]
    Heap: TypeAlias = list[tuple[float, int, int, int, int]]

CACHE_ENTRIES: Final = 16
ENTRY_BYTES: Final = 2048
MOST_FUNCTIONS: Final = 128
DISTANCE_POWER: Final = 0.25
FREQUENCY_SCALE: Final = 0.25
EPSILON: Final = 1e-8


class Calls(NamedTuple):
    """Calls between functions; `offsets` are bytes from the caller's start to the call."""

    src: Ints
    dst: Ints
    offsets: Ints
    weights: Floats


class Chains(NamedTuple):
    """Functions in chains; a chain is named by its first function.

    chain, start, place: each function's chain, and its offset in bytes and in functions there.
    next_member, last_member: the functions of a chain as a list.
    size, weight, members: bytes, executions and functions of a chain.
    version: changes with the chain, so that outdated gains are known; -1 when it is gone.
    entries, last_entry, next_entry: the calls of a chain as a list of 2 × call for those that go
        out, 2 × call + 1 for those that come in.
    """

    chain: Ints
    start: Ints
    place: Ints
    next_member: Ints
    last_member: Ints
    size: Floats
    weight: Floats
    members: Ints
    version: Ints
    entries: Ints
    last_entry: Ints
    next_entry: Ints


@compiled
def _missed(count: float, size: float, total: float) -> float:
    """Return how many of a chain's executions miss the cache."""
    share = count / size * ENTRY_BYTES / total
    return 0.0 if share >= 1.0 else count * (1.0 - share) ** CACHE_ENTRIES


@compiled
def _nearness(distance: float) -> float:
    """Return what a call over so many bytes is worth."""
    return float(max(distance, 0.1) ** -DISTANCE_POWER)


@compiled
def _score_calls(mine: int, chains: Chains, calls: Calls, gains: Floats) -> list[int]:
    """Gather the worth of the calls to each neighbour; return the neighbours.

    The rows of `gains`: with this chain ahead of the neighbour, behind it, and the calls' weight.
    Calls that have both ends in the chain are dropped from its list, for good.
    """
    touched = [mine for _ in range(0)]
    before, entry = -1, chains.entries[mine]
    while entry >= 0:
        call = entry // 2
        other = chains.chain[calls.src[call]] + chains.chain[calls.dst[call]] - mine
        if other == mine:
            entry = chains.next_entry[entry]
            continue
        if gains[2, other] == 0.0:
            touched.append(other)
        source = chains.start[calls.src[call]] + calls.offsets[call]
        target = chains.start[calls.dst[call]]
        leaves = entry % 2 == 0
        caller_size = chains.size[mine if leaves else other]
        callee_size = chains.size[other if leaves else mine]
        weight = calls.weights[call]
        down = weight * _nearness(abs(caller_size + target - source))
        up = weight * _nearness(abs(callee_size + source - target))
        gains[0, other] += down if leaves else up
        gains[1, other] += up if leaves else down
        gains[2, other] += weight
        if before < 0:
            chains.entries[mine] = entry
        else:
            chains.next_entry[before] = entry
        before, entry = entry, chains.next_entry[entry]
    if before < 0:
        chains.entries[mine] = -1
    else:
        chains.next_entry[before] = -1
    chains.last_entry[mine] = before
    return touched


@compiled
def _judge(
    mine: int, chains: Chains, calls: Calls, gains: Floats, totals: Floats, heap: Heap
) -> None:
    """Put into the heap what joining a chain with each of its neighbours would gain.

    `gains` (3 × functions) is scratch, all zero before and after.
    """
    for other in _score_calls(mine, chains, calls, gains):
        ahead, behind, apart = gains[0, other], gains[1, other], gains[2, other]
        gains[:, other] = 0.0
        if chains.members[mine] + chains.members[other] > MOST_FUNCTIONS:
            continue
        # Where both orders are as good, the one of the input stays.
        stays = ahead > behind + EPSILON or (ahead > behind - EPSILON and mine < other)
        left, right = (mine, other) if stays else (other, mine)
        weight, size = chains.weight, chains.size
        saved = (
            _missed(weight[left], size[left], totals[0])
            + _missed(weight[right], size[right], totals[0])
            - _missed(weight[left] + weight[right], size[left] + size[right], totals[0])
        )
        score = max(ahead, behind) - apart * _nearness(totals[1]) + FREQUENCY_SCALE * saved
        if score > 0.0:
            score /= min(size[left], size[right])
        if score > EPSILON:
            key = (-score, left, right, chains.version[left], chains.version[right])
            heapq.heappush(heap, key)


@compiled
def _join(left: int, right: int, chains: Chains) -> None:
    """Append a chain to another."""
    chains.version[left] += 1
    chains.version[right] = -1
    chains.next_member[chains.last_member[left]] = right
    at, shift = right, np.int64(chains.size[left])
    while at >= 0:
        chains.chain[at] = left
        chains.start[at] += shift
        chains.place[at] += chains.members[left]
        at = chains.next_member[at]
    chains.last_member[left] = chains.last_member[right]
    chains.members[left] += chains.members[right]
    chains.size[left] += chains.size[right]
    chains.weight[left] += chains.weight[right]
    if chains.entries[left] < 0:
        chains.entries[left] = chains.entries[right]
    else:
        chains.next_entry[chains.last_entry[left]] = chains.entries[right]


@compiled
def _merge(chains: Chains, calls: Calls, totals: Floats) -> None:
    """Join chains, the best gain first, while one gains."""
    gains = np.zeros((3, len(chains.chain)))
    heap = [(0.0, 0, 0, 0, 0) for _ in range(0)]
    for function in range(len(chains.chain)):
        _judge(function, chains, calls, gains, totals, heap)
    while heap:
        _, left, right, left_version, right_version = heapq.heappop(heap)
        if chains.version[left] == left_version and chains.version[right] == right_version:
            _join(left, right, chains)
            _judge(left, chains, calls, gains, totals, heap)


def _entry_lists(calls: Calls, total: int) -> tuple[Ints, Ints]:
    """Return the first entry of each function (-1: none) and the entry that follows each."""
    owner = np.column_stack((calls.src, calls.dst)).reshape(-1)
    order = np.argsort(owner, kind="stable")
    same = owner[order][1:] == owner[order][:-1]
    following = np.full(len(owner), -1)
    following[order[:-1][same]] = order[1:][same]
    first = np.full(total, -1)
    first[owner[order[::-1]]] = order[::-1]
    return first, following


def cache_chains(sizes: Ints, counts: Floats, calls: Calls) -> tuple[Ints, Ints]:
    """Return each function's chain (the index of the chain's first) and its place in that chain."""
    total = len(sizes)
    entries, next_entry = _entry_lists(calls, total)
    chains = Chains(
        chain=np.arange(total), start=np.zeros(total, np.int64), place=np.zeros(total, np.int64),
        next_member=np.full(total, -1), last_member=np.arange(total),
        size=sizes.astype(np.float64), weight=counts.astype(np.float64),
        members=np.ones(total, np.int64), version=np.zeros(total, np.int64),
        entries=entries, last_entry=np.full(total, -1), next_entry=next_entry,
    )  # fmt: skip
    executed = sizes[counts > 0].sum()
    _merge(chains, calls, np.array([max(counts.sum(), 1.0), max(executed, 1.0)]))
    return chains.chain, chains.place
