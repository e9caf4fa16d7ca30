"""The compiled hash tables of branch-stack entries.

An entry is a triple: a branch (from → to) together with where the fall-through before it began,
which is the target of the branch before. Branches and ranges are both sums over triples, so one
look-up for each entry is enough.

Compact table: two words for each slot. Addresses are kept as 32-bit distances from the base:
{from | to}, {start | count}; a count of zero marks a free slot; mispredictions are counted in an
array beside it. Wide table, for everything else: {from, to, start, kind, count, mispredicted}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.jit import compiled
from pkgafdo.perf.perfdata.state import HALF, U0, U1, U2, WIDE_USED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.state import Words

MIX: Final = np.uint64(0x9E3779B97F4A7C15)
MIX_TARGET: Final = np.uint64(0xC2B2AE3D27D4EB4F)
MIX_START: Final = np.uint64(17)
TOP: Final = np.uint64(40)
"""The upper 24 bits of a product are the best mixed; no table has more slots."""


@compiled
def add_wide(
    source: np.uint64, target: np.uint64, start: np.uint64, kind: np.uint64,
    count: np.uint64, missed: np.uint64, wide: Words, state: Words,
) -> None:  # fmt: skip
    """Count entries with addresses of any size."""
    mask = np.uint64(len(wide) - 1)
    mixed = source * MIX ^ target * MIX_TARGET ^ (start + kind) * MIX_TARGET
    slot = (mixed * MIX >> TOP) & mask
    while wide[slot, 4] != U0 and not (
        wide[slot, 0] == source
        and wide[slot, 1] == target
        and wide[slot, 2] == start
        and wide[slot, 3] == kind
    ):
        slot = (slot + U1) & mask
    if wide[slot, 4] == U0:
        wide[slot, 0], wide[slot, 1], wide[slot, 2], wide[slot, 3] = source, target, start, kind
        state[WIDE_USED] += U1
    wide[slot, 4] += count
    wide[slot, 5] += missed


@compiled
def move_compact(
    old: Words, old_misses: NDArray[np.uint32], compact: Words, misses: NDArray[np.uint32]
) -> None:
    """Move all entries of a compact table to a larger, empty one."""
    mask = np.uint64(len(compact) - 1)
    for place in range(len(old_misses)):
        source = np.uint64(place) << U1
        key, value = old[source], old[source + U1]
        if value == U0:
            continue
        mixed = (key ^ (value >> HALF << MIX_START)) * MIX
        slot = (mixed >> TOP << U1) & mask
        while compact[slot + U1] != U0:
            slot = (slot + U2) & mask
        compact[slot], compact[slot + U1] = key, value
        misses[slot >> U1] = old_misses[place]


@compiled
def move_wide(old: Words, wide: Words, state: Words) -> None:
    """Move all entries of a wide table to a larger, empty one."""
    state[WIDE_USED] = U0
    for i in range(len(old)):
        if old[i, 4] != U0:
            add_wide(old[i, 0], old[i, 1], old[i, 2], old[i, 3], old[i, 4], old[i, 5], wide, state)
