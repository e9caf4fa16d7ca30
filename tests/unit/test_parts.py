"""Sharing out the tests loses none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts import part_of

UNIT = Path(__file__).parent


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_each_file_is_in_one_part(parts: int) -> None:
    shares = [part_of([UNIT], number, parts) for number in range(1, parts + 1)]
    assert sum(map(len, shares)) == len(frozenset.union(*shares))
    assert frozenset.union(*shares) == frozenset(UNIT.rglob("test_*.py"))


def test_the_parts_are_about_equal() -> None:
    sizes = [sum(path.stat().st_size for path in part_of([UNIT], n, 2)) for n in (1, 2)]
    assert max(sizes) < 1.05 * min(sizes)


def test_a_file_that_is_named_twice_is_there_once() -> None:
    assert part_of([UNIT, Path(__file__)], 1, 1) == frozenset(UNIT.rglob("test_*.py"))


@pytest.mark.parametrize("number", [0, 3])
def test_a_part_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        part_of([UNIT], number, 2)
