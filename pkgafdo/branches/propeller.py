"""Branch tables as the protobuf file that generate_propeller_profiles reads.

The messages are those of propeller/branch_frequencies.proto in google/llvm-propeller:
BranchFrequenciesProto {repeated TakenBranchCount taken_counts = 1; …}, TakenBranchCount {uint64
source = 1; uint64 dest = 2; int64 count = 3}. Counts of branches not taken are left out: branch
records do not tell them apart, and for x86 the tool works them out from the taken ones
(frequencies_branch_aggregator.cc).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.branches.table import BranchTable

_TAKEN_COUNTS: Final = b"\x0a"  # field 1, length-delimited
_SOURCE, _DEST, _COUNT = b"\x08", b"\x10", b"\x18"  # fields 1, 2, 3, varints
_CONTINUES: Final = 0x80


def branch_frequencies(table: BranchTable) -> Iterator[bytes]:
    """Yield the file's bytes, one message a branch; addresses are link addresses."""
    columns = (part.tolist() for part in table.branch_columns[:3])
    for source, target, count in zip(*columns, strict=True):
        message = _SOURCE + varint(source) + _DEST + varint(target) + _COUNT + varint(count)
        yield _TAKEN_COUNTS + varint(len(message)) + message


def varint(value: int) -> bytes:
    """Return an unsigned number in base 128, the least significant seven bits first."""
    encoded = bytearray()
    while value >= _CONTINUES:
        encoded.append(value & 0x7F | _CONTINUES)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
