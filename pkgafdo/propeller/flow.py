"""From branch records to executions of blocks, edges and calls.

A taken branch that goes to the entry of a function is a call (or a tail call). One to the start of
another block of its own function is an edge, unless its block ends in a return. One to the middle of
a block, or to the start of a block that the block before can fall into, is a return: calls do not
end blocks. A fall-through range executes every block whose first instruction it holds, and falls
from block to block in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.propeller.graph import BlockFlag, Coverage
from pkgafdo.propeller.mend import mend
from pkgafdo.propeller.places import places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.propeller.addrmap import AddressMap
    from pkgafdo.propeller.places import Places

    Ints = NDArray[np.int64]
    Marks = NDArray[np.bool_]

_PAST_ENTRY: Final = np.uint64(4)
"""Calls may skip an ENDBR64; a return address lies farther behind the entry, a call has 5 bytes."""
_BEFORE_ENTRY: Final = np.uint64(32)
"""Room before a function for its prefix (kCFI, FineIBT, call-depth tracking), which falls into it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Edges:
    """Weighted pairs of the map's blocks (or block and function); taken is False for falls."""

    src: Ints
    dst: Ints
    weights: Ints
    taken: Marks


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flow:
    """Executions by the map's indices: counts of blocks, entries of functions, edges, calls."""

    counts: Ints
    entries: Ints
    edges: Edges
    calls: Edges
    coverage: Coverage


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Branches:
    """Each distinct branch's places (-1: none) and kind; a branch has one kind at most."""

    source: Ints
    target: Ints
    count: Ints
    at_start: Marks
    edge: Marks
    inner: Marks
    call: Marks
    back: Marks
    outside: Marks


def _classify(found: AddressMap, places: Places, table: BranchTable) -> _Branches:
    """Say of each branch what it is."""
    source, target = places.find(table.branch_from), places.find(table.branch_to)
    known, mapped = source >= 0, target >= 0
    home = np.where(known, places.function[source], -1)
    there = np.where(mapped, places.function[target], -2)
    same = home == there
    past = table.branch_to - found.entry[np.maximum(there, 0)]
    call = mapped & ((past == 0) | (~same & (past <= _PAST_ENTRY)))
    first = places.first_here[target]
    starts = table.branch_to == places.start[target]
    flags = found.flags[places.block]
    returns = known & ((flags[source] & BlockFlag.HAS_RETURN) != 0)
    can_fall = places.follows[first] & ((flags[first - 1] & BlockFlag.CAN_FALL_THROUGH) != 0)
    rest = mapped & ~call
    edge = rest & same & starts & ~returns
    inner = rest & ~edge & ~returns & (source == target)
    back = rest & ~edge & ~inner & (returns | ~same) & (~starts | can_fall)
    return _Branches(
        source=source,
        target=np.where(starts, first, target),
        count=table.branch_count.astype(np.int64),
        at_start=starts,
        edge=edge,
        inner=inner,
        call=call,
        back=back,
        outside=~mapped,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Ranges:
    """What the ranges execute: each place from its start, falls into it, functions from a prefix."""

    covered: Ints
    falls: Ints
    entered: Ints
    total: int
    lost: int


def _follow(found: AddressMap, places: Places, table: BranchTable) -> _Ranges:
    """Spread the ranges over the blocks that they execute."""
    count = table.range_count.astype(np.int64)
    first, last = places.find(table.range_start), places.find(table.range_end)
    function = np.where(last >= 0, places.function[last], -1)
    entry = found.entry[np.maximum(function, 0)]
    # The subtraction wraps for starts behind the entry, which makes them too far away.
    prefix = (first < 0) & (last >= 0) & (entry - table.range_start <= _BEFORE_ENTRY)
    good = prefix | ((first >= 0) & (last >= 0) & (places.function[first] == function))
    good &= table.range_end >= table.range_start
    start = np.where(prefix, entry, table.range_start)[good]
    until, passed = last[good], count[good]
    begin = np.searchsorted(places.start, start, side="right") - 1
    exact = places.start[begin] == start
    covered_from = np.where(exact, places.first_here[begin], begin + 1)
    entered = np.zeros(found.functions, np.int64)
    np.add.at(entered, function[prefix], count[prefix])
    known = (first >= 0) | (last >= 0)
    return _Ranges(
        covered=_spread(covered_from, until, passed, len(places.start)),
        falls=_spread(covered_from + exact, until, passed, len(places.start)) * places.follows,
        entered=entered,
        total=int(count[known].sum()),
        lost=int(count[known & ~good].sum()),
    )


def _spread(first: Ints, last: Ints, weights: Ints, size: int) -> Ints:
    """Return for each of `size` places the weights of the intervals first … last that hold it."""
    held = first <= last
    steps = np.zeros(size + 1, np.int64)
    np.add.at(steps, first[held], weights[held])
    np.add.at(steps, last[held] + 1, -weights[held])
    return np.cumsum(steps)[:-1]


def count_flow(found: AddressMap, table: BranchTable) -> Flow:
    """Count executions: blocks, edges, calls, and what of the recording found no place."""
    places = places_of(found)
    branches = _classify(found, places, table)
    ranges = _follow(found, places, table)
    entries = ranges.entered.copy()
    callee = places.function[branches.target[branches.call]]
    np.add.at(entries, callee, branches.count[branches.call])
    jumps, leaves = _jumps(found, places, branches, entries)
    falls = ranges.falls.copy()
    # A return to the start of a block: the block before ended in the call, and went on there.
    behind = branches.back & branches.at_start
    np.add.at(falls, branches.target[behind], branches.count[behind])
    executed = int(ranges.covered.sum())
    differing = int(np.abs(ranges.covered - jumps - falls).sum())
    imbalance = differing / executed if executed else 0.0
    by_place = np.zeros(found.blocks, np.int64)
    mend(ranges.covered, jumps, leaves, _may_mend(found, places), falls, by_place)
    counts = np.zeros(found.blocks, np.int64)
    counts[places.block] = by_place
    return Flow(
        counts=counts,
        entries=entries,
        edges=_edges(places, branches, falls),
        calls=_calls(places, branches),
        coverage=_coverage(found, branches, ranges, imbalance),
    )


def _jumps(
    found: AddressMap, places: Places, branches: _Branches, entries: Ints
) -> tuple[Ints, Ints]:
    """Return how often each place was jumped to or entered, and left by a jump."""
    into, leaves = (np.zeros(found.blocks, np.int64) for _ in range(2))
    np.add.at(into, branches.target[branches.edge], branches.count[branches.edge])
    np.add.at(leaves, branches.source[branches.edge], branches.count[branches.edge])
    entered = np.zeros(found.blocks, np.int64)
    entered[found.first_block[:-1]] = entries
    return into + entered[places.block], leaves


def _may_mend(found: AddressMap, places: Places) -> Marks:
    """Mark the places that fall into the next one unless they jump within their function."""
    flags = found.flags[places.block]
    leaves = int(BlockFlag.HAS_RETURN | BlockFlag.HAS_TAIL_CALL)
    goes_on = np.append(places.follows[1:], [False])
    marks: Marks = goes_on & (flags & int(BlockFlag.CAN_FALL_THROUGH) != 0) & (flags & leaves == 0)
    return marks


def _edges(places: Places, branches: _Branches, falls: Ints) -> Edges:
    """Return taken edges and falls between the map's blocks, each pair once for either kind."""
    taken = branches.edge
    fallen = np.flatnonzero(falls)
    src = np.concatenate([branches.source[taken], fallen - 1])
    dst = np.concatenate([branches.target[taken], fallen])
    kind = np.concatenate([np.ones(np.count_nonzero(taken), bool), np.zeros(len(fallen), bool)])
    weights = np.concatenate([branches.count[taken], falls[fallen]])
    return _summed(places.block[src], places.block[dst], kind, weights)


def _calls(places: Places, branches: _Branches) -> Edges:
    """Return the calls from blocks of the map to functions of the map."""
    kept = branches.call & (branches.source >= 0)
    src, dst = places.block[branches.source[kept]], places.function[branches.target[kept]]
    return _summed(src, dst, np.ones(len(src), dtype=bool), branches.count[kept])


def _summed(src: Ints, dst: Ints, taken: Marks, weights: Ints) -> Edges:
    """Sort pairs by source, destination and kind, and add up those that repeat."""
    order = np.lexsort((taken, dst, src))
    src, dst, taken, weights = src[order], dst[order], taken[order], weights[order]
    fresh = np.ones(len(src), dtype=bool)
    fresh[1:] = (src[1:] != src[:-1]) | (dst[1:] != dst[:-1]) | (taken[1:] != taken[:-1])
    at = np.flatnonzero(fresh)
    total = np.add.reduceat(weights, at) if len(at) else weights
    return Edges(src=src[at], dst=dst[at], weights=total, taken=taken[at])


def _coverage(
    found: AddressMap, branches: _Branches, ranges: _Ranges, imbalance: float
) -> Coverage:
    def total(marks: Marks) -> int:
        return int(branches.count[marks].sum())

    placed = branches.edge | branches.inner | branches.call | branches.back
    return Coverage(
        total=int(branches.count.sum()),
        edges=total(branches.edge | branches.inner),
        calls=total(branches.call),
        returns=total(branches.back),
        outside=total(branches.outside),
        lost=total(~placed & ~branches.outside),
        ranges=ranges.total,
        ranges_lost=ranges.lost,
        map_functions=found.functions,
        map_blocks=found.blocks,
        imbalance=imbalance,
    )
