"""Event descriptions (perf_event_attr) and what they say about the shape of samples."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.formats import (
    ATTR_FLAG_EXCLUDE_KERNEL,
    ATTR_FLAG_FREQ,
    ATTR_SIZE_MIN,
    BranchSample,
    ReadFormat,
    Sample,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_ATTR: Final = struct.Struct(
    "<IIQQQQQ"
)  # type, size, config, period, sample_type, read_format, flags
_BRANCH_SAMPLE_TYPE_AT: Final = 72

_BEFORE_ID: Final = (Sample.IP, Sample.TID, Sample.TIME, Sample.ADDR)
_FIXED: Final = (
    Sample.IDENTIFIER,
    *_BEFORE_ID,
    Sample.ID,
    Sample.STREAM_ID,
    Sample.CPU,
    Sample.PERIOD,
)
"""Fields of one word each, which come before all others."""

FIXED, READ_GROUP, READ_EXTRA, READ_EACH, FLAGS = range(5)
"""Columns of a plan: words before READ; 1 when READ is a group; words of READ besides those of each
member; words of each member; the PLAN_… bits."""
PLAN_COLUMNS: Final = 5

PLAN_CALLCHAIN: Final = 1
PLAN_RAW: Final = 2
PLAN_BRANCHES: Final = 4
PLAN_HW_INDEX: Final = 8
PLAN_VARYING: Final = 16
"""Something of varying length comes before the branch stack."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventAttr:
    """One event of a recording. ids are the numbers by which samples name it."""

    type: int
    config: int
    period: int
    frequency: bool
    exclude_kernel: bool
    sample_type: int
    read_format: int
    branch_sample_type: int
    ids: tuple[int, ...] = ()
    name: str = ""

    @property
    def has_branches(self) -> bool:
        """Whether its samples carry branch stacks."""
        return bool(self.sample_type & Sample.BRANCH_STACK)


def parse_attr(content: bytes, ids: tuple[int, ...] = ()) -> EventAttr:
    """Parse one perf_event_attr; ArtifactError when it is shorter than any perf wrote."""
    if len(content) < ATTR_SIZE_MIN:
        raise ArtifactError(
            "The recording describes an event in fewer bytes than any perf writes",
            details=f"{len(content)} bytes; the smallest perf_event_attr has {ATTR_SIZE_MIN}.",
            hint="The file is damaged: copy it again, or record again.",
        )
    kind, _, config, period, sample_type, read_format, flags = _ATTR.unpack_from(content)
    branch = content[_BRANCH_SAMPLE_TYPE_AT : _BRANCH_SAMPLE_TYPE_AT + 8]
    frequency = bool(flags & ATTR_FLAG_FREQ)
    return EventAttr(
        type=kind,
        config=config,
        period=0 if frequency else period,
        frequency=frequency,
        exclude_kernel=bool(flags & ATTR_FLAG_EXCLUDE_KERNEL),
        sample_type=sample_type,
        read_format=read_format,
        branch_sample_type=int.from_bytes(branch, "little") if len(branch) == 8 else 0,
        ids=ids,
    )


def plan_row(attr: EventAttr) -> list[int]:
    """Return how to find the branch stack in a sample of this event (one row of the plan)."""
    kind = attr.sample_type
    extra, each, group = _read_words(attr)
    flags = (
        PLAN_CALLCHAIN * bool(kind & Sample.CALLCHAIN)
        | PLAN_RAW * bool(kind & Sample.RAW)
        | PLAN_BRANCHES * attr.has_branches
        | PLAN_HW_INDEX * bool(attr.branch_sample_type & BranchSample.HW_INDEX)
        | PLAN_VARYING * bool(kind & (Sample.READ | Sample.CALLCHAIN | Sample.RAW))
    )
    return [sum(bool(kind & field) for field in _FIXED), int(group), extra, each, flags]


def plan_of(attrs: Sequence[EventAttr]) -> NDArray[np.uint64]:
    """Return the plan for all events, one row each."""
    rows = [plan_row(attr) for attr in attrs]
    return np.array(rows, dtype=np.uint64).reshape(len(rows), PLAN_COLUMNS)


def id_word(attrs: Sequence[EventAttr]) -> int | None:
    """Return which word of a sample's body names its event; None when there is nothing to tell."""
    if len(attrs) < 2:
        return None
    # perf, too, takes the first event's word: a recording whose events differ here has no meaning.
    kind = attrs[0].sample_type
    if kind & Sample.IDENTIFIER:
        return 0
    if kind & Sample.ID:
        return sum(bool(kind & field) for field in _BEFORE_ID)
    return None


def id_table(attrs: Sequence[EventAttr]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return all ids in ascending order, and the index of the event that each names."""
    pairs = sorted(
        {number: index for index, attr in enumerate(attrs) for number in attr.ids}.items()
    )
    ids = np.array([number for number, _ in pairs], dtype=np.uint64)
    return ids, np.array([index for _, index in pairs], dtype=np.uint64)


def _read_words(attr: EventAttr) -> tuple[int, int, bool]:
    """Return the words of READ besides its members, those of each member, and whether it is a group."""
    if not attr.sample_type & Sample.READ:
        return 0, 0, False
    form = attr.read_format
    times = bool(form & ReadFormat.TOTAL_TIME_ENABLED) + bool(form & ReadFormat.TOTAL_TIME_RUNNING)
    each = 1 + bool(form & ReadFormat.ID) + bool(form & ReadFormat.LOST)
    if form & ReadFormat.GROUP:
        return 1 + times, each, True
    return times + each, 0, False
