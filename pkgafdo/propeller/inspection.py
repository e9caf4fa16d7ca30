"""What finished profiles do to a recorded kernel: how many executed edges fall through."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.propeller.hot import join_edges
from pkgafdo.propeller.score import Expected, expect, place_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pkgafdo.propeller.graph import ProgramGraph
    from pkgafdo.propeller.read import FunctionProfile, Profiles

_APART: Final = 1 << 40
"""Bytes between the clusters of a function: the linker may put anything there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What to expect of profiles on the kernel that a graph is of.

    known: functions of the profiles that the graph has; unknown: the names of the others, which were
    not executed or are another kernel's. wrong_blocks: functions whose block ids the graph has not.
    unusable: functions that do not begin with their entry block, which the compiler refuses, or that
    the linker's list leaves out.
    executed_share: the share of all executions of blocks that is in the profiles' clusters.
    """

    before: Expected
    after: Expected
    known: int
    unknown: tuple[str, ...]
    wrong_blocks: tuple[str, ...]
    unusable: tuple[str, ...]
    executed_share: float


def inspect_profiles(graph: ProgramGraph, profiles: Profiles) -> Inspection:
    """Say what profiles do to a graph."""
    find, listed = _finder(graph), set(profiles.symbols)
    rank = np.arange(graph.blocks, dtype=np.int64)
    cluster = np.zeros(graph.blocks, dtype=np.int64)
    placed = np.zeros(graph.blocks, dtype=bool)
    unknown, wrong, unusable = [], [], []
    for profile in profiles.functions:
        number = find(profile)
        begins = number is None or _begins_with(profile, int(graph.ids[graph.first_block[number]]))
        if not begins or listed.isdisjoint(profile.names):
            unusable.append(profile.name)
        if number is None:
            unknown.append(profile.name)
        elif begins and not _place(graph, number, profile, (rank, cluster, placed)):
            wrong.append(profile.name)
    edges = join_edges(graph)
    source = place_blocks(np.arange(graph.blocks), graph.sizes, graph.first_block)
    owner = graph.function_of(np.arange(graph.blocks))
    order = np.lexsort((rank, cluster, owner))
    starts = place_blocks(order, graph.sizes, graph.first_block) + cluster * _APART
    return Inspection(
        before=expect(source, graph.sizes, *edges),
        after=expect(starts, graph.sizes, *edges),
        known=len(profiles.functions) - len(unknown),
        unknown=tuple(unknown),
        wrong_blocks=tuple(wrong),
        unusable=tuple(unusable),
        executed_share=float(graph.counts[placed].sum() / max(int(graph.counts.sum()), 1)),
    )


def _finder(graph: ProgramGraph) -> Callable[[FunctionProfile], int | None]:
    """Return what finds a profile's function: by name and source file, or by a name that is alone."""
    rows = [
        (name, module, number)
        for number, module in enumerate(graph.modules)
        for name in (graph.names[number], *graph.aliases[number])
    ]
    times = Counter(name for name, _, _ in rows)
    numbers = {
        (name, module): number
        for name, module, number in rows
        if module is not None or times[name] == 1
    }
    alone = {name: number for (name, module), number in numbers.items() if module is None}

    def find(profile: FunctionProfile) -> int | None:
        found = (numbers.get((name, profile.module), alone.get(name)) for name in profile.names)
        return next((number for number in found if number is not None), None)

    return find


def _begins_with(profile: FunctionProfile, entry: int) -> bool:
    """Tell whether the first of a function's clusters begins with its entry block."""
    return bool(profile.clusters) and profile.clusters[0][:1] == (entry,)


def _place(
    graph: ProgramGraph,
    number: int,
    profile: FunctionProfile,
    columns: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]],
) -> bool:
    """Place a function's blocks as its clusters have them, the cold ones behind; False: cannot."""
    first, last = graph.first_block[number : number + 2].tolist()
    place = {block: first + at for at, block in enumerate(graph.ids[first:last].tolist())}
    if not all(block in place for blocks in profile.clusters for block in blocks):
        return False
    rank, cluster, placed = columns
    cluster[first:last] = len(profile.clusters)
    position = 0
    for which, blocks in enumerate(profile.clusters):
        for block in blocks:
            at = place[block]
            rank[at], cluster[at], placed[at] = position, which, True
            position += 1
    return True
