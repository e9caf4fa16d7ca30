"""Columns of unsigned 64-bit numbers: sorting pairs and summing repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Column: TypeAlias = NDArray[np.uint64]

_LARGEST_TOTAL: Final = float(2**63)
_NEAR: Final = 1 << 32
_HALF: Final = np.uint64(32)


def column(values: ArrayLike) -> Column:
    """Return values as a contiguous, read-only column of its own."""
    result = np.array(values, dtype=np.uint64, order="C", ndmin=1)
    if result.ndim != 1:
        raise ValueError("a column has one dimension")
    result.flags.writeable = False
    return result


def sum_repeats(
    first: Column, second: Column, values: tuple[Column, ...]
) -> tuple[Column, Column, tuple[Column, ...]]:
    """Sort rows by (first, second) and add the values of rows with the same pair.

    Raises ArtifactError when a total does not fit: such counts are not from a recording.
    """
    for value in values:
        if float(value.sum(dtype=np.float64)) >= _LARGEST_TOTAL:
            raise ArtifactError(
                "The counts add up to more than any recording can hold",
                hint="The file is damaged: make the recording again.",
            )
    if not first.size:
        return first, second, values
    order = _order(first, second)
    first, second = first[order], second[order]
    fresh = np.concatenate(([True], (first[1:] != first[:-1]) | (second[1:] != second[:-1])))
    starts = np.flatnonzero(fresh)
    sums = tuple(np.add.reduceat(value[order], starts) for value in values)
    return first[starts], second[starts], sums


def _order(first: Column, second: Column) -> NDArray[np.intp]:
    """Return the indices that sort rows by (first, second)."""
    near_first, near_second = first - np.min(first), second - np.min(second)
    if max(np.max(near_first), np.max(near_second)) < _NEAR:
        # One number for both, as is usual for a kernel, sorts several times faster.
        return np.argsort(near_first << _HALF | near_second)
    return np.lexsort((second, first))


def is_sorted_unique(first: Column, second: Column) -> bool:
    """Say whether the rows are in ascending order of (first, second) without repeats."""
    rises = (first[1:] > first[:-1]) | ((first[1:] == first[:-1]) & (second[1:] > second[:-1]))
    return bool(rises.all())
