"""Finding branch stacks in a buffer, record by record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.attrs import id_table, id_word, plan_of
from pkgafdo.perf.perfdata.samples import find_samples
from pkgafdo.perf.perfdata.state import Events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.attrs import EventAttr
    from pkgafdo.perf.perfdata.state import Words

_PLACES: Final = 1 << 14


def _finder_state() -> Words:
    state = np.zeros(st.FINDER_SIZE, dtype=np.uint64)
    state[st.ID_WORD] = st.NO_WORD
    return state


@dataclass(slots=True)
class Finder:
    """The compiled loop over records, with what it needs to know about events."""

    events: Events = field(default_factory=lambda: Events(plan_of(()), *id_table(())))
    state: Words = field(default_factory=_finder_state)
    places: Words = field(default_factory=lambda: np.zeros((_PLACES, 3), dtype=np.uint64))

    def set_events(self, attrs: Sequence[EventAttr]) -> None:
        """Say what events the samples that follow may belong to."""
        self.events = Events(plan_of(attrs), *id_table(attrs))
        word = id_word(attrs)
        self.state[st.ID_WORD] = st.NO_WORD if word is None else word

    def find(self, data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int, Words]:
        """Return why and where it stopped (see state), and the places of the stacks so far."""
        self.state[st.AT] = at
        find_samples(data, np.uint64(stop), self.places, self.events, self.state)
        places = self.places[: int(self.state[st.FOUND])].copy()
        return int(self.state[st.WHY]), int(self.state[st.AT]), places

    @property
    def unknown(self) -> int:
        """How many samples named an event that the recording does not describe."""
        return int(self.state[st.UNKNOWN_ID])
