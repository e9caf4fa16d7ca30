"""The tables behind the compiled loop."""

from __future__ import annotations

from collections import Counter as Tally
from itertools import pairwise

import numpy as np
import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.counter import DEFAULT_BASE, FIRST_COMPACT, FIRST_WIDE, Counter
from tests.fakes.perf_files import TEXT

Pairs = Tally[tuple[int, int]]


def as_words(stacks: list[list[tuple[int, int, int]]]):
    """Return words and places as the finder gives them."""
    words = np.array([n for stack in stacks for entry in stack for n in entry], dtype=np.uint64)
    lengths = [len(stack) for stack in stacks]
    starts = np.cumsum([0, *lengths[:-1]]) * 3
    places = np.array([[s, n, 1] for s, n in zip(starts, lengths, strict=True)], dtype=np.uint64)
    return words, places


def tallies(counter: Counter):
    """Return branches, mispredictions and ranges."""
    (source, target, count, missed), (start, end, passed) = counter.columns()
    branches: Pairs = Tally()
    misses: Pairs = Tally()
    ranges: Pairs = Tally()
    for row in zip(*(c.tolist() for c in (source, target, count, missed)), strict=True):
        branches[row[:2]] += row[2]
        misses[row[:2]] += row[3]
    for row in zip(*(c.tolist() for c in (start, end, passed)), strict=True):
        ranges[row[:2]] += row[2]
    return branches, misses, ranges


def expected(stacks):
    branches: Pairs = Tally()
    misses: Pairs = Tally()
    ranges: Pairs = Tally()
    for stack in stacks:
        for source, target, flags in stack:
            branches[source, target] += 1
            misses[source, target] += flags & 1
        for newer, older in pairwise(stack):
            ranges[older[1], newer[0]] += 1
    return branches, misses, ranges


@pytest.mark.parametrize(
    ("base", "size"),
    [
        (TEXT, FIRST_COMPACT + FIRST_WIDE),
        (0xFFFF800010000000, 2 * FIRST_WIDE),
        (0x400000, 2 * FIRST_WIDE),
    ],
)
def test_tables_grow_and_lose_nothing(base, size) -> None:
    chance = np.random.default_rng(1)
    numbers = (chance.integers(0, 1 << 20, (size, 2)) + np.uint64(base)).astype(np.uint64)
    flags = chance.integers(0, 2, size)
    rows = [(*pair, flag) for pair, flag in zip(numbers.tolist(), flags.tolist(), strict=True)]
    stacks = [rows[at : at + 32] for at in range(0, len(rows), 32)]
    counter = Counter(filters=False)
    counter.count(*as_words(stacks))
    assert tallies(counter) == expected(stacks)


def test_tables_that_were_emptied_are_added_up() -> None:
    stacks = [[(TEXT + 8, TEXT, 1), (TEXT, TEXT + 4, 0)], [(1, 2, 0), (3, 4, 1)]]
    counter = Counter(filters=False, taken_out_at=-(1 << 40))
    for _ in range(3):
        counter.count(*as_words(stacks))
        counter.taken_out_at = -(1 << 40)
    assert tallies(counter) == expected(stacks * 3)


def test_more_branches_than_any_kernel_has_are_refused() -> None:
    counter = Counter(filters=False, taken_out_at=-(1 << 40), most_distinct=3)
    with pytest.raises(ArtifactError, match="more than 3 different branches"):
        counter.count(*as_words([[(TEXT + i, TEXT, 0)] for i in range(4)]))


def test_the_base_follows_a_kernel_that_lies_elsewhere() -> None:
    kernel = 0xFFFF800012340000
    stacks = [[(kernel + 8, kernel, 0), (kernel, kernel + 4, 1)]]
    counter = Counter(filters=False)
    counter.set_base(kernel)
    counter.count(*as_words(stacks))
    assert counter.tables.wide.any() == np.False_
    assert tallies(counter) == expected(stacks)


def test_the_base_stays_for_a_kernel_nearby_and_once_counting_began() -> None:
    counter = Counter(filters=False)
    counter.set_base(TEXT)
    counter.count(*as_words([[(TEXT, TEXT, 0)]]))
    counter.set_base(0x1000)
    assert tallies(counter)[0] == {(TEXT, TEXT): 1}


def test_the_lowest_and_highest_near_addresses_are_kept_apart() -> None:
    top = 2**64 - 1
    stacks = [[(DEFAULT_BASE, top, 0), (top, DEFAULT_BASE, 0), (DEFAULT_BASE, DEFAULT_BASE, 0)]] * 2
    counter = Counter(filters=False)
    counter.count(*as_words(stacks))
    assert tallies(counter) == expected(stacks)
