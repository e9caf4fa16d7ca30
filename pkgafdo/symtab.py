"""The symbols of a linked ELF file as columns, and which function covers an address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

_STT_NOTYPE: Final = 0
_STT_FUNC: Final = 2
_STB_LOCAL: Final = 0
_SHN_UNDEF: Final = 0


class _Coverage(NamedTuple):
    """Functions sorted by address; parents are places in these columns, or -1."""

    indices: NDArray[np.int64]
    starts: NDArray[np.uint64]
    ends: NDArray[np.uint64]
    parents: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SymbolTable:
    """A .symtab as columns of equal length, in the file's order.

    address and size are in bytes; type and binding are the halves of st_info; section is the
    section's index; name_offset points into strings; executable tells whether the section is code.
    """

    address: NDArray[np.uint64]
    size: NDArray[np.uint64]
    type: NDArray[np.uint8]
    binding: NDArray[np.uint8]
    section: NDArray[np.uint16]
    executable: NDArray[np.bool_]
    name_offset: NDArray[np.uint32]
    strings: bytes

    def name(self, index: int) -> str:
        """Return the name of one symbol."""
        start = int(self.name_offset[index])
        end = self.strings.find(b"\0", start)
        return self.strings[start : end if end >= 0 else None].decode("utf-8", "replace")

    def names(self, indices: Iterable[int]) -> list[str]:
        """Return the names of several symbols."""
        return [self.name(index) for index in indices]

    def address_of(self, name: str) -> int | None:
        """Return the address of the symbol of exactly this name, a global one before a local."""
        import numpy as np

        wanted = np.array(_occurrences(self.strings, name.encode() + b"\0"), dtype=np.uint32)
        named = np.isin(self.name_offset, wanted) & (self.section != _SHN_UNDEF)
        matches = np.flatnonzero(named)
        if not matches.size:
            return None
        first = np.argmin(self.binding[matches] == _STB_LOCAL)
        return int(self.address[matches[first]])

    def functions(self) -> NDArray[np.int64]:
        """Return the indices of the symbols that name code, sorted by address, aliases included.

        A symbol without a size (an assembler label) counts where no sized function covers it.
        """
        return self._coverage.indices

    def find(self, addresses: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return for each address the index of the function that covers it, or -1.

        Of aliases the same one is returned always. A function without a size reaches to the next.
        """
        return self._named(self._places(addresses))

    def outermost(self, addresses: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return what `find` does, but of functions inside one another the one around them all."""
        import numpy as np

        place = self._places(addresses)
        parents = np.append(self._coverage.parents, np.int64(-1))  # of the place -1: none
        while (inner := parents[place] >= 0).any():
            place[inner] = parents[place[inner]]
        return self._named(place)

    def _places(self, addresses: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return for each address the place of the function in the columns of coverage, or -1."""
        import numpy as np

        addresses = np.asarray(addresses, dtype=np.uint64)
        _, starts, ends, parents = self._coverage
        if not starts.size:
            return np.full(addresses.shape, -1, dtype=np.int64)
        place = np.searchsorted(starts, addresses, side="right").astype(np.int64) - 1
        while (outside := (place >= 0) & (addresses >= ends[place])).any():
            place[outside] = parents[place[outside]]
        return place

    def _named(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        import numpy as np

        indices = np.append(self._coverage.indices, np.int64(-1))  # of the place -1: none
        named: NDArray[np.int64] = indices[places]
        return named

    @cached_property
    def _coverage(self) -> _Coverage:
        import numpy as np

        code = self.executable & np.isin(self.type, (_STT_NOTYPE, _STT_FUNC))
        indices = np.flatnonzero(code & (self.name_offset != 0)).astype(np.int64)
        # Of symbols at one address the largest comes last, where searchsorted looks first.
        indices = indices[np.lexsort((self.size[indices], self.address[indices]))]
        indices = indices[_countable(self.address[indices], self.size[indices])]
        starts = self.address[indices]
        ends = _ends(starts, self.size[indices])
        return _Coverage(indices, starts, ends, _parents(starts, ends))


def _countable(starts: NDArray[np.uint64], sizes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which sorted symbols have a size or lie in no sized one: inner labels split nothing."""
    import numpy as np

    largest_here = np.searchsorted(starts, starts, side="right") - 1
    reach = np.maximum.accumulate(starts + sizes)[largest_here]
    countable: NDArray[np.bool_] = (sizes > 0) | (starts >= reach)
    return countable


def _ends(starts: NDArray[np.uint64], sizes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return where each sorted symbol ends; one without a size ends where the next begins."""
    import numpy as np

    after = np.searchsorted(starts, starts, side="right")
    following = np.append(starts, starts[-1:] + np.uint64(1))[after]
    return np.where(sizes > 0, starts + sizes, following)


def _parents(starts: NDArray[np.uint64], ends: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each sorted function the nearest earlier one that covers its start, or -1."""
    import numpy as np

    parents = np.full(starts.shape, -1, dtype=np.int64)
    reach = np.maximum.accumulate(ends)
    for place in np.flatnonzero(starts[1:] < reach[:-1]) + 1:
        parent = int(place) - 1
        while parent >= 0 and ends[parent] <= starts[place]:
            parent = int(parents[parent])
        parents[place] = parent
    return parents


def _occurrences(text: bytes, part: bytes) -> list[int]:
    """Return every offset of `part`: linkers let a name share the tail of a longer one."""
    found = []
    start = text.find(part)
    while start >= 0:
        found.append(start)
        start = text.find(part, start + 1)
    return found
