"""What the compiled loops share: places in the state vector, verdicts, typed constants."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]


class Tables(NamedTuple):
    """What counting fills: the hash tables (see hashing) and the state vector."""

    compact: Words
    misses: NDArray[np.uint32]
    wide: Words
    state: Words


class Events(NamedTuple):
    """How samples are told apart: a plan for each event, sorted ids and the plan of each."""

    plans: Words
    ids: Words
    rows: Words


(
    AT, WHY, SAMPLES, ENTRIES, COMPACT_USED, WIDE_USED, WRONG_PATH, USER, GUEST, USER_SAMPLES,
    UNKNOWN_ID, BASE, FILTERS, ID_WORD, LAST_ID, LAST_ROW, STATE_SIZE,
) = range(17)  # fmt: skip
"""Places in the state vector. BASE, FILTERS (0 or 1) and ID_WORD (NO_WORD: none) are given, the
others are counters; AT is the position, WHY the reason for coming back."""

MORE, RECORD, FULL, BAD = range(4)
"""Why the loop stopped: it needs more bytes, met a record for others, a table is full, nonsense."""

BRANCH_ONLY, WITH_RANGE, RANGE_ONLY = range(3)
"""Kinds of wide entries."""
WIDE_COLUMNS: Final = 6

# The compiler takes plain integers for signed and would turn mixed sums into floating point.
NO_WORD: Final = np.uint64(2**64 - 1)
NO_START: Final = np.uint64(0xFFFFFFFF)
"""In the compact table, instead of the start of a range: the entry is the oldest of its stack."""
U0: Final = np.uint64(0)
U1: Final = np.uint64(1)
U2: Final = np.uint64(2)
U3: Final = np.uint64(3)
U4: Final = np.uint64(4)
U7: Final = np.uint64(7)
U8: Final = np.uint64(8)
LOW: Final = np.uint64(0xFFFFFFFF)
HALF: Final = np.uint64(32)
