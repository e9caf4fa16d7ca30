"""The blocks of an address map in address order, to find addresses in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.propeller.addrmap import AddressMap

    Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """The blocks of a map in address order, to find addresses in.

    block: the map's index of each. start, end: uint64, where the padding behind a block belongs to it
    when its function goes on. function: the map's function of each. Of blocks with the same start
    the one with code comes last.
    """

    block: Ints
    start: NDArray[np.uint64]
    end: NDArray[np.uint64]
    function: Ints

    @cached_property
    def first_here(self) -> Ints:
        """For each place the first of the blocks that start there and are of the same function."""
        joined = np.zeros(len(self.start), dtype=bool)
        joined[1:] = (self.start[1:] == self.start[:-1]) & self.follows[1:]
        return np.maximum.accumulate(np.where(joined, 0, np.arange(len(joined))))

    @cached_property
    def follows(self) -> NDArray[np.bool_]:
        """Whether the block before is of the same function."""
        same = np.zeros(len(self.start), dtype=bool)
        same[1:] = self.function[1:] == self.function[:-1]
        return same

    def find(self, addresses: NDArray[np.uint64]) -> Ints:
        """Return the place that holds each address, or -1."""
        place = np.searchsorted(self.start, addresses, side="right") - 1
        inside = (place >= 0) & (addresses < self.end[place])
        return np.where(inside, place, -1)


def places_of(found: AddressMap) -> Places:
    """Sort the blocks of a map by address."""
    block = np.lexsort((found.size > 0, found.start))
    start, function = found.start[block], found.function[block]
    end = start + found.size[block].astype(np.uint64)
    goes_on = np.append(function[1:] == function[:-1], [False])
    end[goes_on] = start[np.flatnonzero(goes_on) + 1]
    return Places(block=block, start=start, end=end, function=function)
