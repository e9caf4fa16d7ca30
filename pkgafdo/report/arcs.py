"""Taken branches by their kind, and which of one kernel's are no longer taken in another.

Addresses do not survive a rebuild, and functions are inlined here and not there. What does survive
is the source: an arc is told by the function and line at both of its ends, those of the innermost
inlined function. A jump that the other layout made fall through has no taken arc there any more;
neither has one whose code was inlined into another line's, deleted or moved, and the recordings of
taken branches do not tell these apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pkgafdo.branches.table import BranchTable

    Key = tuple[str, str]
    """Two ends, each as function:line."""

_LONGEST: Final = 8
"""Bytes that decide an instruction's kind: prefixes, opcode, and a distance."""
_PREFIXES: Final = frozenset({0x2E, 0x3E, 0x66, 0xF2, *range(0x40, 0x50)})
"""Hints, notrack, operand size, bnd and REX."""
_MOST: Final = 25


class Kind(StrEnum):
    """What makes a branch be taken."""

    CONDITIONAL = "conditional jumps"
    JUMP = "other jumps"
    CALL = "calls"
    RETURN = "returns"
    OTHER = "entries, exits and patched code"


_FLOW: Final = (Kind.CONDITIONAL, Kind.JUMP)
_LINKED: Final = (Kind.CALL, Kind.RETURN)
CLASSES: Final = {"jumps": _FLOW, "calls and returns": _LINKED}
"""A jump's fate is the layout's, a call's and its return's is inlining's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A kernel's code: its bytes from an address on, and where its return thunk lies (0: nowhere)."""

    start: int
    content: bytes
    return_thunk: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Arcs:
    """A kernel's taken branches: kind → count, and by class key → count; unknown have no place."""

    kernel: str
    kinds: Mapping[Kind, int]
    counts: Mapping[str, Mapping[Key, int]]
    unknown: int


def kind_of(code: bytes, address: int, return_thunk: int = 0) -> Kind:
    """Return what kind of branch the instruction at an address is, by its x86-64 encoding.

    Where the kernel patches code as it boots, the file has something else than a branch there.
    """
    at = 0
    while at < len(code) and code[at] in _PREFIXES:
        at += 1
    first, second = (*code[at : at + 2], 0, 0)[:2]
    if 0x70 <= first <= 0x7F or (first == 0x0F and 0x80 <= second <= 0x8F) or 0xE0 <= first <= 0xE3:
        return Kind.CONDITIONAL
    if first in {0xC2, 0xC3}:
        return Kind.RETURN
    if first == 0xE8 or (first == 0xFF and second >> 3 & 7 == 2):
        return Kind.CALL
    if first == 0xE9 and return_thunk:
        distance = int.from_bytes(code[at + 1 : at + 5], "little", signed=True)
        return Kind.RETURN if address + at + 5 + distance == return_thunk else Kind.JUMP
    if first in {0xE9, 0xEB} or (first == 0xFF and second >> 3 & 7 == 4):
        return Kind.JUMP
    return Kind.OTHER


def kinds_of(addresses: Iterable[int], code: Code) -> list[Kind | None]:
    """Return the kind of the branch at each address, None outside the code."""
    kinds: list[Kind | None] = []
    for address in addresses:
        at = address - code.start
        inside = 0 <= at < len(code.content)
        kinds.append(
            kind_of(code.content[at : at + _LONGEST], address, code.return_thunk)
            if inside
            else None
        )
    return kinds


def arcs_of(kernel: str, table: BranchTable, code: Code, places: Mapping[int, str]) -> Arcs:
    """Return a recording's arcs; places maps an address to function:line."""
    kinds: dict[Kind, int] = dict.fromkeys(Kind, 0)
    counts: dict[str, dict[Key, int]] = {name: {} for name in CLASSES}
    class_of = {kind: name for name, members in CLASSES.items() for kind in members}
    unknown = 0
    rows = zip(
        table.branch_from.tolist(), table.branch_to.tolist(), table.branch_count.tolist(),
        kinds_of(table.branch_from.tolist(), code),
        strict=True,
    )  # fmt: skip
    for source, target, count, kind in rows:
        if kind is None:
            unknown += count
            continue
        kinds[kind] += count
        if kind in class_of:
            ends = (places.get(source, ""), places.get(target, ""))
            group = counts[class_of[kind]]
            group[ends] = group.get(ends, 0) + count
    return Arcs(kernel=kernel, kinds=kinds, counts=counts, unknown=unknown)


def compare_arcs(kernels: Sequence[Arcs]) -> dict[str, Any]:
    """Return what became of the first kernel's arcs in the last, JSON-plain.

    kinds has each kind's count on every kernel. classes has, for jumps and for calls, what both take
    (kept), what only the first takes (gone) and only the last (new), in executions; arcs the largest
    that are gone.
    """
    first, last = kernels[0], kernels[-1]
    return {
        "before": first.kernel,
        "after": last.kernel,
        "kinds": [
            {"kind": kind.value, "kernels": [_counted(one, first, kind) for one in kernels]}
            for kind in Kind
        ],
        "modules": [{"kernel": one.kernel, "count": one.unknown} for one in kernels],
        "classes": [
            {"name": name} | _fate(first.counts[name], last.counts[name]) for name in CLASSES
        ],
        "arcs": _gone(first.counts["jumps"], last.counts["jumps"]),
    }


def _counted(one: Arcs, first: Arcs, kind: Kind) -> dict[str, Any]:
    before, count = first.kinds[kind], one.kinds[kind]
    change = (count - before) / before if before else None
    return {"kernel": one.kernel, "count": count, "change": change}


def _fate(before: Mapping[Key, int], after: Mapping[Key, int]) -> dict[str, Any]:
    kept = sum(min(count, after.get(key, 0)) for key, count in before.items())
    whole, left = sum(before.values()), sum(after.values())
    return {
        "before": whole,
        "after": left,
        "kept": kept,
        "gone": whole - kept,
        "new": left - kept,
        "gone_share": (whole - kept) / whole if whole else None,
    }


def _gone(before: Mapping[Key, int], after: Mapping[Key, int]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"from": key[0], "to": key[1], "before": count, "after": after.get(key, 0)}
        for key, count in before.items()
        if key[0] and key[1]
    ]
    rows.sort(key=lambda row: (row["after"] - row["before"], row["from"], row["to"]))
    return [row for row in rows[:_MOST] if row["before"] > row["after"]]


def addresses_of(table: BranchTable, code: Code) -> NDArray[np.uint64]:
    """Return the addresses inside the code that branches come from or go to, each once."""
    every = np.unique(np.concatenate((table.branch_from, table.branch_to)))
    inside = (every >= code.start) & (every < code.start + len(code.content))
    return every[inside]
