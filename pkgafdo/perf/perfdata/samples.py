"""The compiled loop over records: it finds branch stacks and hands out what others must read.

A record is a word (type 32 bits, misc 16, size 16) and its body. Everything in the buffer may lie;
each length is checked against the record before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.jit import compiled
from pkgafdo.perf.perfdata.attrs import (
    FIXED,
    FLAGS,
    PLAN_BRANCHES,
    PLAN_CALLCHAIN,
    PLAN_HW_INDEX,
    PLAN_RAW,
    PLAN_VARYING,
    READ_EACH,
    READ_EXTRA,
    READ_GROUP,
)
from pkgafdo.perf.perfdata.formats import CPUMODE_KERNEL, CPUMODE_MASK, Record
from pkgafdo.perf.perfdata.state import (
    AT,
    BAD,
    FOUND,
    FULL,
    HALF,
    ID_WORD,
    LOW,
    MORE,
    NO_WORD,
    RECORD,
    U0,
    U1,
    U3,
    U4,
    U7,
    U8,
    UNKNOWN_ID,
    WHY,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.state import Events, Words


def _bits(*kinds: Record) -> np.uint64:
    return np.uint64(sum(1 << (kind % 64) for kind in kinds))


_MAPPINGS: Final = _bits(Record.MMAP, Record.MMAP2)
_KERNEL_RECORDS: Final = _bits(Record.LOST, Record.LOST_SAMPLES)
_PERF_RECORDS: Final = _bits(
    Record.ATTR, Record.TRACING_DATA, Record.BUILD_ID, Record.AUXTRACE, Record.FEATURE,
    Record.COMPRESSED, Record.COMPRESSED2,
)  # fmt: skip
"""Records to hand out, as bits: the kernel's by type, perf's own by type less 64."""
_SAMPLE: Final = np.uint64(Record.SAMPLE)
_64: Final = np.uint64(64)
_128: Final = np.uint64(128)
_SIZE_SHIFT: Final = np.uint64(48)
_MODE_MASK: Final = np.uint64(CPUMODE_MASK)
_KERNEL_MODE: Final = np.uint64(CPUMODE_KERNEL)
_CALLCHAIN: Final = np.uint64(PLAN_CALLCHAIN)
_RAW: Final = np.uint64(PLAN_RAW)
_VARYING: Final = np.uint64(PLAN_VARYING)
_BRANCHES: Final = np.uint64(PLAN_BRANCHES)
_HW_INDEX: Final = np.uint64(PLAN_HW_INDEX)


@compiled
def load_word(data: NDArray[np.uint8], words: Words, at: np.uint64) -> np.uint64:
    """Load eight bytes at any position."""
    result: np.uint64 = words[at >> U3]
    if at & U7 == U0:
        return result
    result = U0
    for i in range(8):
        result |= np.uint64(data[at + np.uint64(i)]) << np.uint64(8 * i)
    return result


@compiled
def is_wanted(kind: np.uint64, mode: np.uint64) -> bool:
    """Say whether a record that is no sample must be handed out."""
    if kind < _64:
        if (_MAPPINGS >> kind) & U1 != U0:
            return bool(mode == _KERNEL_MODE)
        return bool((_KERNEL_RECORDS >> kind) & U1 != U0)
    return bool(kind < _128 and (_PERF_RECORDS >> (kind - _64)) & U1 != U0)


@compiled
def find_row(number: np.uint64, ids: Words, rows: Words) -> np.uint64:
    """Return which event (row of the plan) an id stands for; NO_WORD when it is unknown."""
    result = NO_WORD
    if number == U0:
        return U0  # as perf does
    found = np.searchsorted(ids, number)
    if found < len(ids) and ids[found] == number:
        result = rows[found]
    return result


@compiled
def find_stack(words: Words, first: np.uint64, last: np.uint64, plan: Words) -> np.uint64:
    """Return where `nr` of a sample's branch stack lies; `last` when the sample is malformed.

    For samples with fields of varying length before it.
    """
    at = first + plan[FIXED]
    if plan[READ_GROUP] != U0:
        if at >= last or words[at] > last - at:
            return last
        at += words[at] * plan[READ_EACH]
    at += plan[READ_EXTRA]
    if plan[FLAGS] & _CALLCHAIN != U0:
        if at >= last or words[at] >= last - at:
            return last
        at += U1 + words[at]
    if plan[FLAGS] & _RAW != U0:
        if at >= last:
            return last
        size = (words[at] & LOW) + U4  # with its own four bytes a multiple of eight
        if size & U7 != U0:
            return last
        at += size >> U3
    return min(at, last)


@compiled
def move_down(data: NDArray[np.uint8], at: np.uint64, size: np.uint64) -> None:
    """Move a record that begins between two words down to the word before.

    What it overwrites are the last, incomplete bytes of the record before.
    """
    start = at & ~U7
    for i in range(size):
        offset = np.uint64(i)
        data[start + offset] = data[at + offset]


@compiled
def find_samples(  # noqa: C901, PLR0912  one loop: a call that is given arrays costs more than a record
    data: NDArray[np.uint8], stop: np.uint64, places: Words, events: Events, state: Words
) -> None:
    """Note the branch stacks of the records from state[AT] to `stop`, until something else comes up.

    Writes {first word, entries, mode} of state[FOUND] stacks to `places`; state[WHY] says why it
    stopped, state[AT] where. `data` must be a multiple of eight bytes long; records that do not
    begin at a multiple of eight are moved in it.
    """
    plans, ids, rows = events
    words = data.view(np.uint64)
    at, found, why = state[AT], U0, MORE
    id_word, last_id, row = state[ID_WORD], U0, U0
    while why == MORE and stop - at >= U8:
        head = load_word(data, words, at) if at & U7 != U0 else words[at >> U3]
        size, kind, mode = head >> _SIZE_SHIFT, head & LOW, (head >> HALF) & _MODE_MASK
        if size < U8:
            why = BAD
        elif stop - at < size:
            break
        elif kind != _SAMPLE:
            why = RECORD if is_wanted(kind, mode) else MORE
        else:
            if at & U7 != U0:
                move_down(data, at, size)
            first, last = (at >> U3) + U1, (at >> U3) + (size >> U3)
            if id_word < last - first and words[first + id_word] != last_id:
                last_id = words[first + id_word]
                row = find_row(last_id, ids, rows)
            if row == NO_WORD:
                state[UNKNOWN_ID] += U1
            elif row >= np.uint64(len(plans)) or (id_word != NO_WORD and id_word >= last - first):
                why = BAD
            elif plans[row, FLAGS] & _BRANCHES != U0:
                place = first + plans[row, FIXED]
                if plans[row, FLAGS] & _VARYING != U0:
                    place = find_stack(words, first, last, plans[row])
                stack = place + U1 + (plans[row, FLAGS] & _HW_INDEX) // _HW_INDEX
                if place >= last or stack > last or words[place] > (last - stack) // U3:
                    why = BAD
                elif found == np.uint64(len(places)):
                    why = FULL
                else:
                    places[found, 0], places[found, 1], places[found, 2] = stack, words[place], mode
                    found += U1
        if why == MORE:
            at += size
    state[AT], state[WHY], state[FOUND] = at, np.uint64(why), found
