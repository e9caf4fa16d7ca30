"""Compiling the loops before they are needed."""

from __future__ import annotations

import numpy as np

from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.counter import Counter
from pkgafdo.perf.perfdata.finder import Finder
from pkgafdo.perf.perfdata.hashing import move_compact, move_wide


def warm_up() -> None:
    """Have every loop compiled, or loaded, now.

    The first time on a machine that takes some fifteen seconds, during which a recorder that waits
    for its reader would lose samples.
    """
    Finder().find(np.zeros(8, dtype=np.uint8), 0, 0)
    place = np.array([[0, 1, 1]], dtype=np.uint64)
    counter = Counter(filters=True)
    counter.count(np.zeros(3, dtype=np.uint64), place)
    compact, misses, wide, state = counter.tables
    move_compact(compact, misses, np.zeros_like(compact), np.zeros_like(misses))
    move_wide(wide, np.zeros((len(wide), st.WIDE_COLUMNS), dtype=np.uint64), state)
