"""The tables behind the compiled loop: growing them, and turning them into columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.branches.columns import sum_repeats
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.attrs import id_table, id_word, plan_of
from pkgafdo.perf.perfdata.hashing import move_compact, move_wide
from pkgafdo.perf.perfdata.samples import count_records
from pkgafdo.perf.perfdata.state import Events, Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.attrs import EventAttr
    from pkgafdo.perf.perfdata.state import Words

    Columns = tuple[Words, ...]

FIRST_COMPACT: Final = 1 << 15
FIRST_WIDE: Final = 1 << 13
MOST_COMPACT: Final = 1 << 23
MOST_WIDE: Final = 1 << 21
"""Slots. The largest tables take 160 and 96 MiB; when they are half full (4 and 1 million entries)
they are emptied into columns."""
MOST_DISTINCT: Final = 1 << 22
"""More different branches than this are no kernel's: a distribution kernel has under a million."""
_MOST_ENTRIES: Final = 1 << 31
"""The compact table counts in 32 bits; long before they could overflow it is emptied."""
_MOST_IN_A_SAMPLE: Final = 0xFFFF // 24
_SCRATCH_WORDS: Final = 1 << 13

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
        state=_words(st.STATE_SIZE),
    )


@dataclass(slots=True, kw_only=True)
class Counter:
    """Counts of branch stacks in the making."""

    filters: bool
    tables: Tables = field(default_factory=_empty_tables)
    events: Events = field(default_factory=lambda: Events(plan_of(()), _words(0), _words(0)))
    scratch: Words = field(default_factory=lambda: _words(_SCRATCH_WORDS))
    branches: Columns = field(default_factory=lambda: (_words(0),) * 4)
    ranges: Columns = field(default_factory=lambda: (_words(0),) * 3)
    taken_out_at: int = 0

    def __post_init__(self) -> None:
        self.tables.state[st.BASE] = DEFAULT_BASE
        self.tables.state[st.FILTERS] = self.filters
        self.tables.state[st.ID_WORD] = st.NO_WORD

    def __getitem__(self, place: int) -> int:
        return int(self.tables.state[place])

    def set_events(self, attrs: Sequence[EventAttr]) -> None:
        """Say what events the samples that follow may belong to."""
        self.events = Events(plan_of(attrs), *id_table(attrs))
        word = id_word(attrs)
        self.tables.state[st.ID_WORD] = st.NO_WORD if word is None else word
        self.tables.state[st.LAST_ID] = 0

    def set_base(self, kernel: int) -> None:
        """Say where the kernel runs, so that addresses near it are counted fast."""
        if not 0 <= kernel - self[st.BASE] < 1 << 32 and not self[st.ENTRIES]:
            self.tables.state[st.BASE] = max(0, kernel - (1 << 31))

    def run(self, data: NDArray[np.uint8], at: int, stop: int) -> int:
        """Count from data[at] to data[stop]; returns why it stopped (MORE, RECORD or BAD)."""
        self.tables.state[st.AT] = at
        while True:
            count_records(data, np.uint64(stop), self.scratch, self.events, self.tables)
            if self[st.ENTRIES] - self.taken_out_at > _MOST_ENTRIES:
                self._take_out()
            if self[st.WHY] != st.FULL:
                return self[st.WHY]
            self._make_room()

    def columns(self) -> tuple[Columns, Columns]:
        """Return (from, to, count, mispredicted) and (start, end, count), without repeats."""
        self._take_out()
        return self.branches, self.ranges

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

    def _take_out(self) -> None:
        """Empty the tables into columns."""
        compact, misses, wide, state = self.tables
        near = _compact_columns(compact, misses, np.uint64(self[st.BASE]))
        far = _wide_columns(wide)
        both = [np.concatenate(pair) for pair in zip(near, far, strict=True)]
        self.branches = _summed(self.branches, both[:4])
        self.ranges = _summed(self.ranges, both[4:])
        for table in (compact, misses, wide):
            table.fill(0)
        state[st.COMPACT_USED] = state[st.WIDE_USED] = 0
        self.taken_out_at = self[st.ENTRIES]
        if len(self.branches[0]) > MOST_DISTINCT:
            raise ArtifactError(
                f"The recording has more than {MOST_DISTINCT} different branches",
                hint="No kernel has as many. Record the kernel only (an event that ends in :k), or "
                "read the recording with the filters.",
            )


def _summed(old: Columns, new: Sequence[Words]) -> Columns:
    first, second, *values = (np.concatenate(pair) for pair in zip(old, new, strict=True))
    first, second, sums = sum_repeats(first, second, tuple(values))
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
