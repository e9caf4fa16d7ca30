"""The tables behind the compiled loop: growing them, and turning them into columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.branches.columns import sum_repeats
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.formats import CPUMODE_GUEST_KERNEL, CPUMODE_USER
from pkgafdo.perf.perfdata.hashing import move_compact, move_wide
from pkgafdo.perf.perfdata.stacks import count_stacks
from pkgafdo.perf.perfdata.state import Tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.state import Words

    Columns = tuple[Words, ...]

FIRST_COMPACT: Final = 1 << 15
FIRST_WIDE: Final = 1 << 13
MOST_COMPACT: Final = 1 << 22
MOST_WIDE: Final = 1 << 20
"""Slots. The largest tables take 80 and 48 MiB; when they are half full (2 and 0.5 million entries)
they are emptied into columns."""
MOST_DISTINCT: Final = 1 << 22
"""More different branches than this are no kernel's: a distribution kernel has under a million."""
_MOST_ENTRIES: Final = 1 << 31
"""The compact table counts in 32 bits; long before they could overflow it is emptied."""
_MOST_IN_A_SAMPLE: Final = 0xFFFF // 24

DEFAULT_BASE: Final = 0xFFFFFFFF00000000
"""On x86-64 the kernel and its modules lie in the last 4 GiB."""


def _words(length: int) -> Words:
    return np.zeros(length, dtype=np.uint64)


def _misses(slots: int) -> NDArray[np.uint32]:
    return np.zeros(slots, dtype=np.uint32)


def _wide(slots: int) -> Words:
    return np.zeros((slots, st.WIDE_COLUMNS), dtype=np.uint64)


def _empty_tables() -> Tables:
    return Tables(
        compact=_words(2 * FIRST_COMPACT),
        misses=_misses(FIRST_COMPACT),
        wide=_wide(FIRST_WIDE),
        state=_words(st.COUNTER_SIZE),
    )


@dataclass(slots=True, kw_only=True)
class Counter:
    """Counts of branch stacks in the making.

    samples counts all, user_samples those taken in user space, guest the entries of guests' samples
    that the filters left out.
    """

    filters: bool
    tables: Tables = field(default_factory=_empty_tables)
    branches: Columns = field(default_factory=lambda: (_words(0),) * 4)
    ranges: Columns = field(default_factory=lambda: (_words(0),) * 3)
    taken_out_at: int = 0
    most_distinct: int = MOST_DISTINCT
    samples: int = 0
    user_samples: int = 0
    guest: int = 0

    def __post_init__(self) -> None:
        self.tables.state[st.BASE] = DEFAULT_BASE
        self.tables.state[st.FILTERS] = self.filters

    def __getitem__(self, place: int) -> int:
        return int(self.tables.state[place])

    def set_base(self, kernel: int) -> None:
        """Say where the kernel runs, so that addresses near it are counted fast."""
        if not 0 <= kernel - self[st.BASE] < 1 << 32 and not self[st.ENTRIES]:
            self.tables.state[st.BASE] = max(0, kernel - (1 << 31))

    def count(self, words: Words, places: Words) -> None:
        """Count the branch stacks at these places (rows of first word, entries, mode)."""
        places = self._count_modes(places)
        self.tables.state[st.NEXT] = 0
        count_stacks(words, places, self.tables)
        while self[st.NEXT] < len(places):
            self._make_room()
            count_stacks(words, places, self.tables)
        if self[st.ENTRIES] - self.taken_out_at > _MOST_ENTRIES:
            self._take_out()

    def columns(self) -> tuple[Columns, Columns]:
        """Return (from, to, count, mispredicted) and (start, end, count), with repeats."""
        branches, ranges = self._in_tables()
        return _joined(self.branches, branches), _joined(self.ranges, ranges)

    def _count_modes(self, places: Words) -> Words:
        """Count samples by processor mode; returns the places of those that are to be counted."""
        mode = places[:, 2]
        self.samples += len(places)
        self.user_samples += int(np.count_nonzero(mode == CPUMODE_USER))
        guest = mode >= CPUMODE_GUEST_KERNEL
        if not self.filters or not guest.any():
            return places
        self.guest += int(places[guest, 1].sum())
        return places[~guest]

    def _make_room(self) -> None:
        compact, misses, wide, state = self.tables
        near = 2 * (self[st.COMPACT_USED] + _MOST_IN_A_SAMPLE) > len(misses)
        far = 2 * (self[st.WIDE_USED] + _MOST_IN_A_SAMPLE) > len(wide)
        if (near and len(misses) == MOST_COMPACT) or (far and len(wide) == MOST_WIDE):
            self._take_out()
            return
        if near:
            compact, misses = _words(4 * len(compact)), _misses(4 * len(misses))
            move_compact(self.tables.compact, self.tables.misses, compact, misses)
        if far:
            wide = _wide(4 * len(wide))
            move_wide(self.tables.wide, wide, state)
        self.tables = Tables(compact, misses, wide, state)

    def _in_tables(self) -> tuple[Columns, Columns]:
        compact, misses, wide, _ = self.tables
        near = _compact_columns(compact, misses, np.uint64(self[st.BASE]))
        both = _joined(near, _wide_columns(wide))
        return both[:4], both[4:]

    def _take_out(self) -> None:
        """Empty the tables into columns."""
        branches, ranges = self._in_tables()
        self.branches = _summed(_joined(self.branches, branches))
        self.ranges = _summed(_joined(self.ranges, ranges))
        compact, misses, wide, state = self.tables
        for table in (compact, misses, wide):
            table.fill(0)
        state[st.COMPACT_USED] = state[st.WIDE_USED] = 0
        self.taken_out_at = self[st.ENTRIES]
        if len(self.branches[0]) > self.most_distinct:
            raise ArtifactError(
                f"The recording has more than {self.most_distinct} different branches",
                hint="No kernel has as many. Record the kernel only (an event that ends in :k), or "
                "read the recording with the filters.",
            )


def _joined(old: Columns, new: Columns) -> Columns:
    return tuple(np.concatenate(pair) for pair in zip(old, new, strict=True))


def _summed(columns: Columns) -> Columns:
    first, second, sums = sum_repeats(columns[0], columns[1], columns[2:])
    return first, second, *sums


def _compact_columns(compact: Words, misses: NDArray[np.uint32], base: np.uint64) -> Columns:
    used = np.flatnonzero(compact[1::2])
    keys, values = compact[0::2][used], compact[1::2][used]
    source, target = (keys >> st.HALF) + base, (keys & st.LOW) + base
    start, count = values >> st.HALF, values & st.LOW
    missed = misses[used].astype(np.uint64)
    after = start != st.NO_START
    return source, target, count, missed, start[after] + base, source[after], count[after]


def _wide_columns(wide: Words) -> Columns:
    rows = wide[wide[:, 4] != 0]
    source, target, start, kind, count, missed = rows.T
    branch, after = kind != st.RANGE_ONLY, kind != st.BRANCH_ONLY
    return (
        *(column[branch] for column in (source, target, count, missed)),
        *(column[after] for column in (start, source, count)),
    )
