"""The compiled hash tables of branch-stack entries.

An entry is a triple: a branch (from → to) together with where the fall-through before it began, which
is the target of the branch before. Branches and ranges are both sums over triples, so one look-up
for each entry is enough.

Compact table: two words for each slot. Addresses are kept as 32-bit distances from the base:
{from | to}, {start | count}; a count of zero marks a free slot; mispredictions are counted in an
array beside it. Wide table, for everything else: {from, to, start, kind, count, mispredicted}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.perf.perfdata.jit import compiled
from pkgafdo.perf.perfdata.state import (
    COMPACT_USED,
    HALF,
    U0,
    U1,
    U2,
    WIDE_USED,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.state import Tables, Words

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_TARGET: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_START: Final = np.uint64(17)
_TOP: Final = np.uint64(40)
"""The upper 24 bits of a product are the best mixed; no table has more slots."""


@compiled
def add_compact(
    key: np.uint64, start: np.uint64, missed: np.uint64,
    compact: Words, misses: NDArray[np.uint32], state: Words,
) -> None:  # fmt: skip
    """Count one entry whose addresses are 32-bit distances."""
    mask = np.uint64(len(compact) - 1)
    slot = (((key ^ (start << _MIX_START)) * _MIX >> _TOP) << U1) & mask
    while True:
        value = compact[slot + U1]
        if compact[slot] == key and value >> HALF == start and value != U0:
            compact[slot + U1] = value + U1
            break
        if value == U0:
            compact[slot] = key
            compact[slot + U1] = start << HALF | U1
            state[COMPACT_USED] += U1
            break
        slot = (slot + U2) & mask
    if missed != U0:
        misses[slot >> U1] += np.uint32(1)


@compiled
def add_wide(
    source: np.uint64, target: np.uint64, start: np.uint64, kind: np.uint64,
    count: np.uint64, missed: np.uint64, wide: Words, state: Words,
) -> None:  # fmt: skip
    """Count entries with addresses of any size."""
    mask = np.uint64(len(wide) - 1)
    mixed = source * _MIX ^ target * _MIX_TARGET ^ (start + kind) * _MIX_TARGET
    slot = (mixed * _MIX >> _TOP) & mask
    while True:
        row = wide[slot]
        if row[4] == U0:
            row[0], row[1], row[2], row[3] = source, target, start, kind
            state[WIDE_USED] += U1
            break
        if row[0] == source and row[1] == target and row[2] == start and row[3] == kind:
            break
        slot = (slot + U1) & mask
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
        mixed = (key ^ (value >> HALF << _MIX_START)) * _MIX
        slot = (mixed >> _TOP << U1) & mask
        while compact[slot + U1] != U0:
            slot = (slot + U2) & mask
        compact[slot], compact[slot + U1] = key, value
        misses[slot >> U1] = old_misses[place]


@compiled
def move_wide(old: Words, wide: Words, state: Words) -> None:
    """Move all entries of a wide table to a larger, empty one."""
    state[WIDE_USED] = U0
    for place in range(len(old)):
        row = old[place]
        if row[4] != U0:
            add_wide(row[0], row[1], row[2], row[3], row[4], row[5], wide, state)
