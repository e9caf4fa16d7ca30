"""Reading what `perf script -F ip,brstack` printed, with or without --show-mmap-events."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.attrs import EventAttr
from pkgafdo.perf.perfdata.counter import Counter
from pkgafdo.perf.perfdata.formats import CPUMODE_KERNEL, Sample
from pkgafdo.perf.perfdata.mappings import CodeMapping
from pkgafdo.perf.perfdata.session import Session
from pkgafdo.perf.perfdata.table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import TextBounds

_ENTRY: Final = re.compile(r"(?<!\S)0x([0-9a-f]{1,16})/0x([0-9a-f]{1,16})/([^/\s]*)(\S*)")
"""from / to / M or P or - / in a transaction / abort / cycles / type / speculation
(tools/perf/builtin-script.c, print_bstack_flags)."""
_MMAP: Final = re.compile(
    r"PERF_RECORD_MMAP2? -1/\d+: \[0x([0-9a-f]{1,16})\(0x([0-9a-f]{1,16})\) @ "
    r"(?:0x)?([0-9a-f]{1,16})[^\]]*\]: \S+ (\S+)"
)
_REPEAT: Final = re.compile(r"\s*(\d{1,18})\s*")
_WRONG_PATH: Final = "SPEC_WRONG_PATH"
_LINES_AT_ONCE: Final = 4096
_STACKS_AT_ONCE: Final = 1 << 18
_MOST_SAMPLES: Final = 1 << 28
"""Each repetition is counted; a day of recording has a hundredth of that."""

_Stack = tuple[int, list[tuple[int, int, int]]]


def read_script_text(
    lines: Iterable[str], *, text: TextBounds | None = None, filters: bool = True
) -> BranchTable:
    """Count the branch stacks of perf script's text, one line each, the newest entry first.

    A line with nothing but a decimal number says how often the next stack occurred. Addresses are
    moved as in `read_recording`, where the text has the kernel's MMAP event. Raises ArtifactError
    when there is no branch stack.
    """
    session = Session(Counter(filters=filters))
    session.known.source = "perf script"
    session.known.attrs.append(_UNKNOWN_EVENT)
    rest = iter(lines)
    repeat = 1
    while some := list(islice(rest, _LINES_AT_ONCE)):
        repeat = _take_in(some, repeat, session)
    if not session.counter.samples:
        raise ArtifactError(
            "The text has no branch stacks",
            hint="Print them with `perf script --show-mmap-events -F ip,brstack`.",
        )
    return table_of(session, text=text, filters=filters)


_UNKNOWN_EVENT: Final = EventAttr(
    type=0,
    config=0,
    period=0,
    frequency=False,
    exclude_kernel=False,
    sample_type=Sample.BRANCH_STACK,
    read_format=0,
    branch_sample_type=0,
    name="unknown",
)


def _take_in(lines: Sequence[str], repeat: int, session: Session) -> int:
    """Count the stacks of some lines; returns how often the first stack after them occurred."""
    stacks: list[_Stack] = []
    for line in lines:
        if entries := _ENTRY.findall(line):
            stacks.append((repeat, [_entry(*entry) for entry in entries]))
            repeat = 1
        elif match := _REPEAT.fullmatch(line):
            repeat = _checked_repeat(int(match[1]))
        elif match := _MMAP.search(line):
            _add_mapping(session, match)
    if stacks:
        _submit(session, stacks)
    return repeat


def _submit(session: Session, stacks: Sequence[_Stack]) -> None:
    """Have the stacks counted, each as often as it occurred, some at a time."""
    words = np.array([word for _, rows in stacks for row in rows for word in row], np.uint64)
    lengths = np.array([len(rows) for _, rows in stacks], dtype=np.uint64)
    starts = 3 * (np.cumsum(lengths) - lengths)
    modes = np.full(len(stacks), CPUMODE_KERNEL, dtype=np.uint64)
    places = np.stack([starts, lengths, modes], axis=1)
    ends = np.cumsum([count for count, _ in stacks])
    for at in range(0, int(ends[-1]), _STACKS_AT_ONCE):
        turns = np.arange(at, min(at + _STACKS_AT_ONCE, int(ends[-1])))
        session.counter.count(words, places[np.searchsorted(ends, turns, side="right")])
    if session.counter.samples > _MOST_SAMPLES:
        raise _too_many()


def _entry(source: str, target: str, prediction: str, rest: str) -> tuple[int, int, int]:
    flags = int("M" in prediction) | (1 << 24 if _WRONG_PATH in rest else 0)
    return int(source, 16), int(target, 16), flags


def _checked_repeat(count: int) -> int:
    if count > _MOST_SAMPLES >> 4:
        raise _too_many()
    return count


def _too_many() -> ArtifactError:
    return ArtifactError(
        f"The text stands for more than {_MOST_SAMPLES} samples",
        hint="Give text that perf script printed, or as llvm-profgen --perfscript knows it.",
    )


def _add_mapping(session: Session, match: re.Match[str]) -> None:
    start, length, offset = (int(match[group], 16) for group in (1, 2, 3))
    known = session.known
    before = known.kernel
    known.add_mapping(
        CodeMapping(name=match[4], start=start, length=length, offset=offset, build_id="")
    )
    if known.kernel is not None and before is None:
        session.counter.set_base(known.kernel.address)
