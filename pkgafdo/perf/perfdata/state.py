"""What the compiled loops share: places in the state vector, verdicts, typed constants."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]


class Tables(NamedTuple):
    """What counting fills: the hash tables (see hashing) and the counter's state."""

    compact: Words
    misses: NDArray[np.uint32]
    wide: Words
    state: Words


class Events(NamedTuple):
    """How samples are told apart: a plan for each event, sorted ids and the plan of each."""

    plans: Words
    ids: Words
    rows: Words


AT, WHY, FOUND, UNKNOWN_ID, ID_WORD, FINDER_SIZE = range(6)
"""Places in the finder's state: position, reason for stopping, number of branch stacks found, samples
of unknown events, and (given) the word that names the event (NO_WORD: none)."""

MORE, RECORD, FULL, BAD = range(4)
"""Why the finder stopped: it needs more bytes, met a record for others, has no place for one more
stack, or met nonsense."""

(
    NEXT, ENTRIES, COMPACT_USED, WIDE_USED, WRONG_PATH, USER, BASE, FILTERS, COUNTER_SIZE,
) = range(9)  # fmt: skip
"""Places in the counter's state. NEXT is the stack to count next, BASE and FILTERS (0 or 1) are
given, the others are counts."""

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
