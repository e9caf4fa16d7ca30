"""Small programs to lay out, written as a person would draw them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from pkgafdo.propeller.graph import Coverage, ProgramGraph

NOTHING = Coverage(
    total=0, edges=0, calls=0, returns=0, outside=0, lost=0, ranges=0, ranges_lost=0,
    map_functions=0, map_blocks=0, imbalance=0.0,
)  # fmt: skip


@dataclass
class Function:
    """A function: sizes of its blocks, edges (from, to) → executions, calls (block, name) → calls."""

    name: str
    sizes: list[int]
    edges: dict[tuple[int, int], int] = field(default_factory=dict)
    calls: dict[tuple[int, str], int] = field(default_factory=dict)
    entries: int = 0
    movable: bool = True
    module: str | None = None
    aliases: tuple[str, ...] = ()

    def counts(self) -> list[int]:
        """Work out how often each block was executed: what went in, or what went out."""
        came, went = Counter({0: self.entries}), Counter[int]()
        for (at, to), count in self.edges.items():
            went[at] += count
            came[to] += count
        return [max(came[block], went[block]) for block in range(len(self.sizes))]


def program(*functions: Function) -> ProgramGraph:
    """Put functions one behind the other; block ids are 10, 11, … so that no index is mistaken."""
    first = np.cumsum([0, *(len(function.sizes) for function in functions)])
    number = {function.name: index for index, function in enumerate(functions)}
    edges = [
        (first[index] + at, first[index] + to, count)
        for index, function in enumerate(functions)
        for (at, to), count in sorted(function.edges.items())
        if count
    ]
    calls = [
        (first[index] + block, number[callee], count)
        for index, function in enumerate(functions)
        for (block, callee), count in sorted(function.calls.items())
    ]
    edge_columns = np.array(edges, np.int64).reshape(-1, 3).T
    call_columns = np.array(calls, np.int64).reshape(-1, 3).T
    sizes = np.array([size for function in functions for size in function.sizes], np.int64)
    return ProgramGraph(
        names=tuple(function.name for function in functions),
        aliases=tuple(function.aliases for function in functions),
        modules=tuple(function.module for function in functions),
        entries=np.array([function.entries for function in functions], np.int64),
        movable=np.array([function.movable for function in functions], np.bool_),
        addresses=np.cumsum([0, *sizes])[first[:-1]].astype(np.uint64),
        first_block=first.astype(np.int64),
        ids=np.concatenate([10 + np.arange(len(f.sizes)) for f in functions]).astype(np.int32),
        sizes=sizes,
        flags=np.zeros(len(sizes), np.uint8),
        counts=np.array([count for f in functions for count in f.counts()], np.int64),
        edge_src=edge_columns[0],
        edge_dst=edge_columns[1],
        edge_weights=edge_columns[2],
        edge_taken=np.diff(edge_columns[:2], axis=0)[0] != 1,
        call_src=call_columns[0],
        call_dst=call_columns[1],
        call_weights=call_columns[2],
        coverage=NOTHING,
    )
