"""Sharing test files out to processes that run at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def part_of(places: Iterable[Path], number: int, parts: int) -> frozenset[Path]:
    """Return the test files below some folders that one of so many parts has; each file is in one.

    The longest go to the part that has the least so far. Raises ValueError for a part that is none.
    """
    if not 1 <= number <= parts:
        raise ValueError(f"there is no part {number} of {parts}")
    shares: list[list[Path]] = [[] for _ in range(parts)]
    sizes = [0] * parts
    for size, path in sorted(_files(places), reverse=True):
        least = sizes.index(min(sizes))
        shares[least].append(path)
        sizes[least] += size
    return frozenset(shares[number - 1])


def _files(places: Iterable[Path]) -> set[tuple[int, Path]]:
    found = set()
    for place in places:
        for path in place.rglob("test_*.py") if place.is_dir() else [place]:
            found.add((path.stat().st_size, path.resolve()))
    return found
