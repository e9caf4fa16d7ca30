"""The control-flow graph of a kernel's executed functions, with counts: what a layout is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BlockFlag(IntFlag):
    """What the address map says of a block (the metadata of BBAddrMap::BBEntry in LLVM)."""

    HAS_RETURN = 1
    HAS_TAIL_CALL = 2
    IS_EH_PAD = 4
    CAN_FALL_THROUGH = 8
    HAS_INDIRECT_BRANCH = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What became of a recording's taken branches; all numbers are executions.

    total is all of them. edges went to a block of the same function (a function that calls itself
    counts under calls). calls went to the entry of a function; tail calls and jumps into one are
    calls too. returns went into or behind the block that had called. outside went to code without an
    address map (assembly, modules): nothing to lay out. lost went into the map and found no place.
    ranges is all fall-through ranges with an end in the map, ranges_lost those of them that begin or
    end in no block, or cross from one function to another. imbalance tells how far the executions of
    blocks by the ranges and what flows into them differ, as a share of the executions; 0 without ranges.
    """

    total: int
    edges: int
    calls: int
    returns: int
    outside: int
    lost: int
    ranges: int
    ranges_lost: int
    map_functions: int
    map_blocks: int
    imbalance: float = 0.0

    @property
    def placed(self) -> int:
        """How many taken branches became an edge, a call or a return."""
        return self.edges + self.calls + self.returns

    @property
    def share(self) -> float:
        """The share of the taken branches into the map that found their place."""
        return self.placed / max(self.placed + self.lost, 1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ProgramGraph:
    """Functions, their basic blocks, and how often each was executed; columns of equal length.

    Only functions with a count are in it (nf of them, in address order). Blocks (nb) of one function
    lie side by side, the entry block first and the others in address order; edges (ne) are sorted by
    source, then destination, then taken; calls (nc) by source, then destination.

    names: the symbols, nf, as the ELF symbol table has them (`foo.llvm.123` as it is).
    aliases: nf, the other symbols at the same address, those only that no other function has.
    modules: nf, the source file as the compile unit's DW_AT_name has it, only where a static
        function's name occurs more than once, else None.
    entries: int64[nf], executions that came in by a call, a tail call or a jump.
    movable: bool[nf], False where the function must stay as and where it is.
    addresses: uint64[nf], link address of each function's entry.
    first_block: int64[nf + 1], blocks of function f are first_block[f] … first_block[f + 1] - 1.
    ids: int32[nb], the map's block ids, which a cc_profile's `c` lines name.
    sizes: int64[nb], bytes.
    flags: uint8[nb], bits of BlockFlag.
    counts: int64[nb], executions.
    edge_src, edge_dst: int64[ne], blocks (indices over all functions), both of one function.
    edge_weights: int64[ne], executions, at least 1.
    edge_taken: bool[ne], True where a jump was taken, False for a fall-through as recorded.
    call_src: int64[nc], block; call_dst: int64[nc], function; call_weights: int64[nc], executions of
        calls and tail calls (returns are only counted, in coverage).
    """

    names: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    modules: tuple[str | None, ...]
    entries: NDArray[np.int64]
    movable: NDArray[np.bool_]
    addresses: NDArray[np.uint64]
    first_block: NDArray[np.int64]
    ids: NDArray[np.int32]
    sizes: NDArray[np.int64]
    flags: NDArray[np.uint8]
    counts: NDArray[np.int64]
    edge_src: NDArray[np.int64]
    edge_dst: NDArray[np.int64]
    edge_weights: NDArray[np.int64]
    edge_taken: NDArray[np.bool_]
    call_src: NDArray[np.int64]
    call_dst: NDArray[np.int64]
    call_weights: NDArray[np.int64]
    coverage: Coverage

    def __post_init__(self) -> None:
        self._check_lengths()
        bounds, functions = self.first_block, len(self.names)
        if bounds[0] != 0 or bounds[-1] != len(self.ids) or (np.diff(bounds) < 1).any():
            raise ValueError("a function has no blocks, or a block belongs to no function")
        for blocks in (self.edge_src, self.edge_dst, self.call_src):
            if ((blocks < 0) | (blocks >= len(self.ids))).any():
                raise ValueError("an edge or a call has an end that is no block")
        if ((self.call_dst < 0) | (self.call_dst >= functions)).any():
            raise ValueError("a call goes to no function")
        if (self.function_of(self.edge_src) != self.function_of(self.edge_dst)).any():
            raise ValueError("an edge leaves its function")

    def _check_lengths(self) -> None:
        functions = (
            self.names, self.aliases, self.modules, self.entries, self.movable, self.addresses,
        )  # fmt: skip
        blocks = (self.ids, self.sizes, self.flags, self.counts)
        edges = (self.edge_src, self.edge_dst, self.edge_weights, self.edge_taken)
        calls = (self.call_src, self.call_dst, self.call_weights)
        for columns in (functions, blocks, edges, calls):
            if len({len(column) for column in columns}) != 1:
                raise ValueError("columns of the graph differ in length")
        if len(self.first_block) != len(self.names) + 1:
            raise ValueError("first_block does not fit the functions")

    @property
    def functions(self) -> int:
        """How many functions there are."""
        return len(self.names)

    @property
    def blocks(self) -> int:
        """How many blocks the functions have."""
        return len(self.ids)

    def function_of(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the function of each of some blocks."""
        return np.searchsorted(self.first_block, blocks, side="right") - 1
