"""The compiled loop over the entries of branch stacks.

A branch stack is nr × {from, to, flags}, the newest first; it is walked from the oldest on. The
loop is one function on purpose: each call that is given an array counts references to it, which
costs more than an entry does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.jit import compiled
from pkgafdo.perf.perfdata.hashing import MIX, MIX_START, TOP, add_wide
from pkgafdo.perf.perfdata.state import (
    BASE,
    BRANCH_ONLY,
    COMPACT_USED,
    ENTRIES,
    FILTERS,
    HALF,
    LOW,
    NEXT,
    NO_START,
    RANGE_ONLY,
    U0,
    U1,
    U2,
    U3,
    USER,
    WIDE_USED,
    WITH_RANGE,
    WRONG_PATH,
)

if TYPE_CHECKING:
    from pkgafdo.perf.perfdata.state import Tables, Words

_SIGN: Final = np.uint64(63)
_SPEC: Final = np.uint64(3 << 24)
_SPEC_WRONG_PATH: Final = np.uint64(1 << 24)
"""perf_branch_entry.spec, PERF_BR_SPEC_WRONG_PATH."""


@compiled
def count_wide(
    source: np.uint64, target: np.uint64, start: np.uint64, before: np.uint64,
    missed: np.uint64, wide: Words, state: Words,
) -> None:  # fmt: skip
    """Count an entry that does not fit the compact table; filter the user side when asked.

    `before` is 1 when an older entry ended at `start`, 0 when this is the oldest.
    """
    branch, after = True, before != U0
    if state[FILTERS] != U0:
        if (source & target) >> _SIGN == U0:
            state[USER] += U1
            branch = False
        if after and (source & start) >> _SIGN == U0:
            state[USER] += U1
            after = False
    if branch and after:
        add_wide(source, target, start, np.uint64(WITH_RANGE), U1, missed, wide, state)
    elif branch:
        add_wide(source, target, U0, np.uint64(BRANCH_ONLY), U1, missed, wide, state)
    elif after:
        add_wide(source, U0, start, np.uint64(RANGE_ONLY), U1, U0, wide, state)


@compiled
def count_stacks(words: Words, places: Words, tables: Tables) -> None:  # noqa: C901  see the module
    """Count the entries of the branch stacks from state[NEXT] on.

    `places` begins with {first word, entries} of each. The hash tables stay at most half full: when
    state[NEXT] is less than the number of places afterwards, one of them must grow.
    """
    compact, misses, wide, state = tables
    base = state[BASE]
    filters = state[FILTERS] != U0
    unusual = U1 | (_SPEC if filters else U0)
    mask = np.uint64(len(compact) - 1)
    most_compact, most_wide = np.uint64(len(misses)) >> U1, np.uint64(len(wide)) >> U1
    stack, stacks = state[NEXT], np.uint64(len(places))
    while stack < stacks:
        first, entries = places[stack, 0], places[stack, 1]
        if state[COMPACT_USED] + entries > most_compact or state[WIDE_USED] + entries > most_wide:
            break
        stack += U1
        at = first + entries * U3
        start, before, near_start = U0, U0, NO_START
        while at != first:
            at -= U3
            source, target, flags = words[at], words[at + U1], words[at + U2]
            missed = U0
            if flags & unusual != U0:
                if filters and flags & _SPEC == _SPEC_WRONG_PATH:
                    state[WRONG_PATH] += U1
                    continue
                missed = flags & U1
            near_source, near_target = source - base, target - base
            if near_source | (near_target + U1) | near_start > LOW:
                count_wide(source, target, start, before, missed, wide, state)
                near_target |= U1 << HALF  # as a start it is for the wide table, too
            else:
                key = near_source << HALF | near_target
                slot = (((key ^ (near_start << MIX_START)) * MIX >> TOP) << U1) & mask
                while True:
                    value = compact[slot + U1]
                    if compact[slot] == key and value >> HALF == near_start and value != U0:
                        compact[slot + U1] = value + U1
                        break
                    if value == U0:
                        compact[slot] = key
                        compact[slot + U1] = near_start << HALF | U1
                        state[COMPACT_USED] += U1
                        break
                    slot = (slot + U2) & mask
                if missed != U0:
                    misses[slot >> U1] += np.uint32(1)
            start, before, near_start = target, U1, near_target
        state[ENTRIES] += entries
    state[NEXT] = stack
