"""The compiled loop over the entries of a branch stack.

A branch stack is nr × {from, to, flags}, the newest first; it is walked from the oldest on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.perf.perfdata.hashing import add_compact, add_wide
from pkgafdo.perf.perfdata.jit import compiled
from pkgafdo.perf.perfdata.state import (
    BASE,
    BRANCH_ONLY,
    ENTRIES,
    FILTERS,
    HALF,
    LOW,
    NO_START,
    RANGE_ONLY,
    U0,
    U1,
    U2,
    U3,
    USER,
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
    missed: np.uint64, tables: Tables,
) -> None:  # fmt: skip
    """Count an entry that does not fit the compact table; filter the user side when asked.

    `before` is 1 when an older entry ended at `start`, 0 when this is the oldest.
    """
    wide, state = tables.wide, tables.state
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
def count_stack(words: Words, first: np.uint64, entries: np.uint64, tables: Tables) -> None:
    """Count the entries of one branch stack, the oldest first."""
    compact, misses, _, state = tables
    base = state[BASE]
    filters = state[FILTERS] != U0
    unusual = U1 | (_SPEC if filters else U0)
    start, before = U0, U0
    near_start = NO_START
    at = first + entries * U3
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
            count_wide(source, target, start, before, missed, tables)
            near_target |= U1 << HALF  # so that the next entry sees a distance that does not fit
        else:
            key = near_source << HALF | near_target
            add_compact(key, near_start, missed, compact, misses, state)
        start, before = target, U1
        near_start = near_target
    state[ENTRIES] += entries
