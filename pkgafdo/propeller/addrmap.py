"""Reading the basic-block address map of a linked kernel: which blocks its functions have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf
from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.decode import NEWEST, OLDEST, Columns, Fault, decode, empty_columns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SECTION: Final = ".llvm_bb_addr_map"

_OTHER_CLANG: Final = "Build the kernel with a clang from 19 to 23, or update pkgafdo."

_WITHOUT: Final = (
    "Use vmlinux.unstripped of a kernel that was built with CONFIG_PROPELLER_CLANG=y and without "
    "CLANG_PROPELLER_PROFILE_PREFIX: Kbuild strips the map from vmlinux."
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AddressMap:
    """Functions and their blocks as the compiler laid them out.

    entry: uint64[functions], link addresses, ascending, each once.
    first_block: int64[functions + 1]; blocks of function f are first_block[f] … first_block[f + 1] - 1,
        at least one, the entry block first, the others in address order.
    start: uint64[blocks], link addresses; size: int64[blocks], bytes, 0 for a block without code.
    ids: int32[blocks]; flags: uint8[blocks], bits of BlockFlag.
    versions: the format's versions seen. repeated: entries that were left out because another one
        has the same address.
    """

    entry: NDArray[np.uint64]
    first_block: NDArray[np.int64]
    start: NDArray[np.uint64]
    size: NDArray[np.int64]
    ids: NDArray[np.int32]
    flags: NDArray[np.uint8]
    versions: tuple[int, ...]
    repeated: int

    @property
    def functions(self) -> int:
        """How many functions have a map."""
        return len(self.entry)

    @property
    def blocks(self) -> int:
        """How many blocks they have."""
        return len(self.start)

    @property
    def function(self) -> NDArray[np.int64]:
        """The function of each block."""
        return np.repeat(np.arange(self.functions), np.diff(self.first_block))


def read_address_map(vmlinux: Path) -> AddressMap:
    """Read the map of a linked kernel.

    Raises ArtifactError when there is none, or one that this decoder does not know.
    """
    sections = [part for part in elf.sections(vmlinux) if part.name == SECTION and part.size]
    if not sections:
        raise ArtifactError(f"{vmlinux} has no basic-block address map", hint=_WITHOUT)
    parts = []
    for section in sections:
        with vmlinux.open("rb") as stream:
            stream.seek(section.offset)
            data = np.frombuffer(stream.read(section.size), np.uint8)
        if len(data) != section.size:
            raise _damaged(vmlinux, f"its section {SECTION} is cut short")
        parts.append(_decoded(data, vmlinux))
    found = _sorted(parts)
    if not found.functions:
        raise ArtifactError(
            f"The basic-block address map of {vmlinux} names no function at an address",
            details=f"{sum(len(part.entry) for part in parts)} entries",
            hint="An object file's map cannot be used. " + _WITHOUT,
        )
    return found


def decode_map(data: bytes, name: str = "the map") -> AddressMap:
    """Decode a section's content; `name` is what errors call the file."""
    from pathlib import Path

    return _sorted([_decoded(np.frombuffer(data, np.uint8), Path(name))])


def _decoded(data: NDArray[np.uint8], vmlinux: Path) -> Columns:
    """Decode one section's content, and keep what was filled."""
    columns = empty_columns(len(data))
    decode(data, columns)
    functions, blocks, fault, offset, value, _ = (int(number) for number in columns.state)
    if fault:
        raise _refusal(Fault(fault), offset, value, vmlinux)
    return Columns(
        entry=columns.entry[:functions],
        first_block=columns.first_block[: functions + 1],
        start=columns.start[:blocks],
        size=columns.size[:blocks],
        id=columns.id[:blocks],
        flags=columns.flags[:blocks],
        state=columns.state,
    )


def _refusal(fault: Fault, offset: int, value: int, vmlinux: Path) -> ArtifactError:
    where = f"at offset {offset:#x} of {SECTION}"
    match fault:
        case Fault.VERSION:
            return ArtifactError(
                f"The basic-block address map of {vmlinux} has version {value}; known are "
                f"{OLDEST} to {NEWEST}",
                details=where,
                hint=_OTHER_CLANG if value > NEWEST else "Build the kernel with clang 19 or newer.",
            )
        case Fault.FEATURES | Fault.METADATA:
            what = "features" if fault is Fault.FEATURES else "block metadata"
            return ArtifactError(
                f"The basic-block address map of {vmlinux} has {what} that are not known: {value:#x}",
                details=where,
                hint=_OTHER_CLANG,
            )
        case Fault.TRUNCATED:
            return _damaged(vmlinux, f"an entry ends too early {where}")
        case Fault.TOO_LARGE:
            return _damaged(vmlinux, f"the number {value} {where} is too large")
        case _:
            return _damaged(vmlinux, f"a function has no address range {where}")


def _damaged(vmlinux: Path, details: str) -> ArtifactError:
    return ArtifactError(
        f"The basic-block address map of {vmlinux} is damaged",
        details=details,
        hint="Copy or build the file again.",
    )


def _sorted(parts: list[Columns]) -> AddressMap:
    """Join sections, functions in address order, without those at no address or without blocks."""
    entry = np.concatenate([part.entry for part in parts])
    counts = np.concatenate([np.diff(part.first_block) for part in parts])
    first = np.concatenate([[0], np.cumsum(counts)])
    real = np.flatnonzero((entry != 0) & (counts > 0))
    _, place = np.unique(entry[real], return_index=True)
    kept = real[place]
    rows, bounds = _blocks_of(first[kept], counts[kept])
    start = np.concatenate([part.start for part in parts])[rows]
    function = np.repeat(np.arange(len(kept)), counts[kept])
    # The entry block is first in the map; a function's other ranges may lie before it.
    order = np.lexsort((start, rows != first[kept][function], function))
    rows = rows[order]
    seen = int(np.bitwise_or.reduce([part.state[5] for part in parts]))
    return AddressMap(
        entry=entry[kept],
        first_block=bounds,
        start=start[order],
        size=np.concatenate([part.size for part in parts])[rows],
        ids=np.concatenate([part.id for part in parts])[rows],
        flags=np.concatenate([part.flags for part in parts])[rows],
        versions=tuple(bit for bit in range(seen.bit_length()) if seen >> bit & 1),
        repeated=len(real) - len(kept),
    )


def _blocks_of(
    first: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of some functions' blocks one after another, and where each begins there."""
    bounds = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(bounds[-1]) + np.repeat(first - bounds[:-1], counts)
    return rows, bounds
