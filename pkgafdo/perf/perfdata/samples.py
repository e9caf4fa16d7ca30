"""The compiled loop over records: it counts samples and hands out what others must read.

A record is a word (type 32 bits, misc 16, size 16) and its body. Everything in the buffer may lie;
each length is checked against the record before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.perf.perfdata.attrs import (
    FIXED,
    FLAGS,
    PLAN_BRANCHES,
    PLAN_CALLCHAIN,
    PLAN_HW_INDEX,
    PLAN_RAW,
    READ_EACH,
    READ_EXTRA,
    READ_GROUP,
)
from pkgafdo.perf.perfdata.formats import (
    CPUMODE_GUEST_KERNEL,
    CPUMODE_KERNEL,
    CPUMODE_MASK,
    CPUMODE_USER,
    Record,
)
from pkgafdo.perf.perfdata.jit import compiled
from pkgafdo.perf.perfdata.stacks import count_stack
from pkgafdo.perf.perfdata.state import (
    AT,
    BAD,
    COMPACT_USED,
    FILTERS,
    FULL,
    GUEST,
    HALF,
    ID_WORD,
    LAST_ID,
    LAST_ROW,
    LOW,
    MORE,
    NO_WORD,
    RECORD,
    SAMPLES,
    U0,
    U1,
    U3,
    U4,
    U7,
    U8,
    UNKNOWN_ID,
    USER_SAMPLES,
    WHY,
    WIDE_USED,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.perf.perfdata.state import Events, Tables, Words


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
_USER_MODE: Final = np.uint64(CPUMODE_USER)
_GUEST_MODE: Final = np.uint64(CPUMODE_GUEST_KERNEL)
_CALLCHAIN: Final = np.uint64(PLAN_CALLCHAIN)
_RAW: Final = np.uint64(PLAN_RAW)
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
def find_row(
    words: Words, first: np.uint64, last: np.uint64, events: Events, state: Words
) -> np.uint64:
    """Return which event (row of the plan) a sample belongs to; NO_WORD when it is unknown.

    A sample too short to hold its id belongs to the first event, where it is found to be malformed.
    """
    place = state[ID_WORD]
    if place == NO_WORD or place >= last - first:
        return U0
    number = words[first + place]
    if number == U0:
        return U0
    if number != state[LAST_ID]:
        found = np.searchsorted(events.ids, number)
        if found == len(events.ids) or events.ids[found] != number:
            return NO_WORD
        state[LAST_ID] = number
        state[LAST_ROW] = events.rows[found]
    row: np.uint64 = state[LAST_ROW]
    return row


@compiled
def find_stack(words: Words, first: np.uint64, last: np.uint64, plan: Words) -> np.uint64:
    """Return where `nr` of a sample's branch stack lies; `last` when the sample is malformed."""
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
        if size & U7 != U0 or size >> U3 > last - at:
            return last
        at += size >> U3
    return min(at, last)


@compiled
def count_sample(
    words: Words, first: np.uint64, last: np.uint64, mode: np.uint64,
    events: Events, tables: Tables,
) -> int:  # fmt: skip
    """Count the branch stack of one sample; returns MORE when all is well, else FULL or BAD."""
    state = tables.state
    row = find_row(words, first, last, events, state)
    if row == NO_WORD:
        state[UNKNOWN_ID] += U1
        return MORE
    if row >= np.uint64(len(events.plans)):
        return BAD
    plan = events.plans[row]
    if plan[FLAGS] & _BRANCHES == U0:
        return MORE
    place = find_stack(words, first, last, plan)
    at = place + U1 + (plan[FLAGS] & _HW_INDEX) // _HW_INDEX
    if place >= last or at > last or words[place] > (last - at) // U3:
        return BAD
    entries = words[place]
    if not has_room(entries, tables):
        return FULL
    state[SAMPLES] += U1
    if mode == _USER_MODE:
        state[USER_SAMPLES] += U1
    if mode >= _GUEST_MODE and state[FILTERS] != U0:
        state[GUEST] += entries
    else:
        count_stack(words, at, entries, tables)
    return MORE


@compiled
def has_room(entries: np.uint64, tables: Tables) -> bool:
    """Say whether both tables stay at most half full with so many entries more."""
    compact = tables.state[COMPACT_USED] + entries <= np.uint64(len(tables.misses)) >> U1
    wide = tables.state[WIDE_USED] + entries <= np.uint64(len(tables.wide)) >> U1
    return bool(compact and wide)


@compiled
def count_records(
    data: NDArray[np.uint8], stop: np.uint64, scratch: Words, events: Events, tables: Tables
) -> None:
    """Count the samples among the records of data[state[AT]:stop]; state[WHY] says why it stopped.

    `data` must be a multiple of eight bytes long, `scratch` 64 KiB: a record that does not begin at
    a multiple of eight (after a compressed one) is copied there first.
    """
    words = data.view(np.uint64)
    state = tables.state
    at = state[AT]
    why = MORE
    while why == MORE and stop - at >= U8:
        head = load_word(data, words, at)
        size = head >> _SIZE_SHIFT
        kind = head & LOW
        mode = (head >> HALF) & _MODE_MASK
        if size < U8:
            why = BAD
        elif stop - at < size:
            break
        elif kind != _SAMPLE:
            if is_wanted(kind, mode):
                why = RECORD
        else:
            body, first = words, (at >> U3) + U1
            if at & U7 != U0:
                for i in range(size >> U3):
                    scratch[i] = load_word(data, words, at + (np.uint64(i) << U3))
                body, first = scratch, U1
            last = first + (size >> U3) - U1
            why = count_sample(body, first, last, mode, events, tables)
        if why == MORE:
            at += size
    state[AT] = at
    state[WHY] = np.uint64(why)
