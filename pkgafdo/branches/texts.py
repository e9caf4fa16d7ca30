"""Branch tables as the texts that other tools read: addresses and counts, already aggregated.

Ranges that cannot be real must be filtered before; the tools would only warn about each.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pkgafdo.branches.columns import Column
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import Segment
    from pkgafdo.symtab import SymbolTable

_STB_LOCAL: Final = 0
_SHN_UNDEF: Final = 0
_STT_FUNC: Final = 2
_STT_SECTION: Final = 3
_STT_FILE: Final = 4  # all: elf(5)


def unsymbolized_profile(table: BranchTable) -> Iterator[str]:
    """Yield the text that llvm-profgen reads as --unsymbolized-profile.

    The number of ranges, `start-end:count` each, the number of branches, `from->to:count` each, all
    addresses in hex without 0x (llvm-profgen's PerfReader.cpp). The addresses are link addresses:
    llvm-profgen needs --use-offset=0, else the profile is silently empty.
    """
    yield f"{table.distinct_ranges}\n"
    yield from _rows("%x-%x:%d\n", table.range_columns)
    yield f"{table.distinct_branches}\n"
    yield from _rows("%x->%x:%d\n", table.branch_columns[:3])


def create_llvm_prof_text(table: BranchTable, segments: Sequence[Segment]) -> Iterator[str]:
    """Yield the text that create_llvm_prof reads with --profiler=text.

    Its addresses are offsets in the ELF file. Between the ranges and the branches comes a block of
    single addresses, which branch records do not have (autofdo's sample_reader.cc). Records outside
    the segments are left out.
    """
    start, end = (file_offsets(part, segments) for part in table.range_columns[:2])
    kept = (start >= 0) & (end >= 0)
    yield f"{np.count_nonzero(kept)}\n"
    yield from _rows("%x-%x:%d\n", (start[kept], end[kept], table.range_count[kept]))
    yield "0\n"
    source, target = (file_offsets(part, segments) for part in table.branch_columns[:2])
    kept = (source >= 0) & (target >= 0)
    yield f"{np.count_nonzero(kept)}\n"
    yield from _rows("%x->%x:%d\n", (source[kept], target[kept], table.branch_count[kept]))


def bolt_preaggregated(table: BranchTable) -> Iterator[str]:
    """Yield the text that perf2bolt reads with -pa.

    Lines are `B from to count mispredictions` and `F start end count`.
    Addresses are link addresses in hex; a fall-through ends at its last instruction (BOLT's
    DataAggregator.cpp).
    """
    yield from _rows("B %x %x %d %d\n", table.branch_columns)
    yield from _rows("F %x %x %d\n", table.range_columns)


def bolt_fdata(table: BranchTable, symbols: SymbolTable) -> Iterator[str]:
    """Yield BOLT's fdata: `1 function offset 1 function offset mispredictions count` per branch.

    Branches with an end outside the functions are left out (BOLT's DataReader.cpp).
    """
    source, target = symbols.find(table.branch_from), symbols.find(table.branch_to)
    known = np.flatnonzero((source >= 0) & (target >= 0))
    here, there = source[known], target[known]
    names = bolt_names(symbols, np.union1d(here, there))
    rows = zip(
        [names[index] for index in here.tolist()],
        (table.branch_from[known] - symbols.address[here]).tolist(),
        [names[index] for index in there.tolist()],
        (table.branch_to[known] - symbols.address[there]).tolist(),
        table.branch_mispredicted[known].tolist(),
        table.branch_count[known].tolist(),
        strict=True,
    )
    return map("1 %s %x 1 %s %x %d %d\n".__mod__, rows)


def bolt_names(symbols: SymbolTable, indices: NDArray[np.int64]) -> dict[int, str]:
    """Return what BOLT calls symbols: a local one `name/N`, the N-th of its name by address.

    Data has its numbers too; of symbols at one address functions come first and sections last (BOLT's
    RewriteInstance.cpp, discoverFileObjects).
    """
    names = {index: symbols.name(index) for index in indices.tolist()}
    local = symbols.binding == _STB_LOCAL
    wanted = {name for index, name in names.items() if local[index]}
    placed = (symbols.section != _SHN_UNDEF) & (symbols.address != 0) & (symbols.name_offset != 0)
    counted = np.flatnonzero(local & placed & (symbols.type != _STT_FILE))
    kinds = symbols.type[counted]
    rank = np.where(kinds == _STT_FUNC, 0, np.where(kinds == _STT_SECTION, 2, 1))
    numbers: Counter[str] = Counter()
    for index in counted[np.lexsort((rank, symbols.address[counted]))].tolist():
        name = symbols.name(index)
        if name in wanted:
            numbers[name] += 1
            if index in names:
                names[index] = f"{name}/{numbers[name]}"
    return names


def file_offsets(addresses: Column, segments: Sequence[Segment]) -> NDArray[np.int64]:
    """Return each address's offset in the ELF file, or -1 where no loaded segment holds it."""
    result = np.full(len(addresses), -1, dtype=np.int64)
    for segment in segments:
        if segment.type == "PT_LOAD":
            # The subtraction wraps for lower addresses, which makes them too large.
            distance = addresses - np.uint64(segment.vaddr)
            inside = distance < np.uint64(segment.filesz)
            result[inside] = distance[inside].astype(np.int64) + segment.offset
    return result


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write the pieces of a text to a file by rename."""
    with files.replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.writelines(lines)


_ROWS_AT_ONCE: Final = 1 << 16


def _rows(pattern: str, columns: Sequence[NDArray[np.integer]]) -> Iterator[str]:
    """Yield the rows as text, many in one piece: formatting them one by one would dominate."""
    for at in range(0, len(columns[0]), _ROWS_AT_ONCE):
        lists = [part[at : at + _ROWS_AT_ONCE].tolist() for part in columns]
        yield "".join(map(pattern.__mod__, zip(*lists, strict=True)))
