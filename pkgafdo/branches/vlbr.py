"""Reader of the exact counts that the virtual LBR (our QEMU plugin) writes.

The file is little-endian: the magic, then one block for each marked window (six u64: window, branches,
ranges, sum of the branches' counts, of the ranges' counts, discontinuities; then 24-byte records {from,
to, count} and {start, end, count}), and a last block whose window is ~0 and whose second number says how
many blocks came before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.branches.table import from_counts
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pkgafdo.branches.meta import TableMeta
    from pkgafdo.branches.table import BranchTable

MAGIC: Final = b"VLBRCNT2"
HEAD: Final = np.dtype("<u8")
"""Six of these make the head of a block."""

RECORD: Final = np.dtype([("a", "<u8"), ("b", "<u8"), ("count", "<u8")])
"""One counted pair, 24 bytes."""

_HEAD_BYTES: Final = 6 * HEAD.itemsize
_END: Final = 2**64 - 1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WindowCounts:
    """The counts of one window: structured arrays of RECORD, each pair once, in no order.

    discontinuities counts the interrupts, exceptions and returns to user space between branches.
    """

    window: int
    branches: NDArray[np.void]
    ranges: NDArray[np.void]
    discontinuities: int


def is_counts_file(path: Path) -> bool:
    """Say whether a file begins like one of the virtual LBR."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_windows(path: Path) -> tuple[WindowCounts, ...]:
    """Read the counts of every window, in the order in which they closed.

    Raises ArtifactError when the file is cut short, or its numbers contradict each other.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"The counts of the virtual LBR cannot be read: {path}",
            details=str(error),
            hint="Look at the guest's log: did the workload run to its end?",
        ) from error
    if data[: len(MAGIC)] != MAGIC:
        raise _damaged(path, f"It begins with {data[:8]!r}, not {MAGIC!r}.")
    return tuple(_windows(data, path))


def read_counts(path: Path, meta: TableMeta) -> BranchTable:
    """Read the virtual LBR's counts of all windows together; `meta` says what was recorded.

    Adds the number of samples (every branch is one), and under extra the number of windows and of
    discontinuities. Raises ArtifactError as `read_windows` does.
    """
    windows = read_windows(path)
    branches = _joined([window.branches for window in windows])
    ranges = _joined([window.ranges for window in windows])
    extra = dict(meta.extra) | {
        "windows": str(len(windows)),
        "discontinuities": str(sum(window.discontinuities for window in windows)),
    }
    return from_counts(
        (branches["a"], branches["b"], branches["count"], np.zeros(len(branches), dtype=np.uint64)),
        (ranges["a"], ranges["b"], ranges["count"]),
        replace(meta, samples=int(branches["count"].sum()), extra=extra),
    )


def read_stacks(path: Path) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Read the stacks that the virtual LBR sampled: rows of (from, to), and each stack's length.

    The file has, for each stack, its length and then its rows, newest first, all as u64. Raises
    ArtifactError when it is cut short.
    """
    try:
        words = np.fromfile(path, dtype=HEAD)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read", details=str(error)) from error
    lengths, is_row = [], np.ones(len(words), dtype=bool)
    at = 0
    while at < len(words):
        is_row[at] = False
        lengths.append(int(words[at]))
        at += 1 + 2 * lengths[-1]
    if at != len(words):
        raise _damaged(path, f"Its last stack of {lengths[-1]} branches is cut short.")
    return words[is_row].reshape(-1, 2), np.array(lengths, dtype=np.uint64)


def _joined(parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    return np.concatenate([np.empty(0, dtype=RECORD), *parts])


def _windows(data: bytes, path: Path) -> Iterator[WindowCounts]:
    at, seen = len(MAGIC), 0
    while True:
        if len(data) - at < _HEAD_BYTES:
            raise _damaged(path, f"It ends within a block after {seen} windows.")
        head = [int(number) for number in np.frombuffer(data, HEAD, 6, at)]
        at += _HEAD_BYTES
        if head[0] == _END:
            if head[1] != seen or at != len(data):
                raise _damaged(path, f"It should hold {head[1]} windows and holds {seen}.")
            return
        need = (head[1] + head[2]) * RECORD.itemsize
        if need > len(data) - at:
            raise _damaged(path, f"Window {head[0]} needs {need} bytes; {len(data) - at} are left.")
        records = np.frombuffer(data, RECORD, head[1] + head[2], at)
        at, seen = at + need, seen + 1
        branches, ranges = records[: head[1]], records[head[1] :]
        for what, rows, total in (("branches", branches, head[3]), ("ranges", ranges, head[4])):
            if int(rows["count"].sum()) != total:
                raise _damaged(path, f"The {what} of window {head[0]} do not add up to {total}.")
        yield WindowCounts(
            window=head[0], branches=branches, ranges=ranges, discontinuities=head[5]
        )


def _damaged(path: Path, details: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is not a whole file of the virtual LBR",
        details=details,
        hint="Record again; the guest was probably ended before it could finish.",
    )
