"""Where a kernel's code changes while it runs, and where its file holds branches that always branch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pkgafdo.runner.base import Runner

    Addresses = NDArray[np.uint64]

JUMP_ENTRY: Final = np.dtype([("code", "<i4"), ("target", "<i4"), ("key", "<i8")])
"""struct jump_entry of include/linux/jump_label.h: distances from the fields themselves."""
ALT_INSTR: Final = np.dtype(
    [("code", "<i4"), ("other", "<i4"), ("flags", "<u4"), ("size", "u1"), ("other_size", "u1")]
)
"""struct alt_instr of arch/x86/include/asm/alternative.h: likewise, and packed."""
_ALWAYS: Final = re.compile(r"^([0-9a-f]+):\s+(?:jmp|ret)", re.MULTILINE)


def is_patched(vmlinux: Path, addresses: Addresses) -> NDArray[np.bool_]:
    """Tell which addresses lie where static keys and alternatives patch the code."""
    keys = _table(vmlinux, "__start___jump_table", "__stop___jump_table", JUMP_ENTRY)
    others = _table(vmlinux, "__alt_instructions", "__alt_instructions_end", ALT_INSTR)
    # A key's place is one jump, however long.
    sizes = np.concatenate([np.ones(len(keys[0]), np.uint64), others[0]["size"].astype(np.uint64)])
    starts = np.concatenate([_code_of(*keys), _code_of(*others)])
    order = np.argsort(starts)
    ends = np.maximum.accumulate((starts + sizes)[order])
    place = np.searchsorted(starts[order], addresses, side="right") - 1
    patched: NDArray[np.bool_] = (place >= 0) & (addresses < ends[place])
    return patched


def unconditional_branches(runner: Runner, objdump: str, vmlinux: Path) -> Addresses:
    """Return the sorted addresses of the jumps and returns in a kernel's file."""
    argv = (objdump, "-d", "--no-show-raw-insn", str(vmlinux))
    text = runner.query(Command(argv=argv)).stdout
    found = np.array([int(match[1], 16) for match in _ALWAYS.finditer(text)], dtype=np.uint64)
    return np.sort(found)


def _table(
    vmlinux: Path, first: str, last: str, entry: np.dtype[np.void]
) -> tuple[NDArray[np.void], int]:
    symbols = elf.symbols(vmlinux)
    start, end = symbols.address_of(first), symbols.address_of(last)
    assert start is not None
    assert end is not None
    [section] = [
        one for one in elf.sections(vmlinux) if one.address <= start < one.address + one.size
    ]
    assert (end - start) % entry.itemsize == 0, f"{first} holds other entries"
    count = (end - start) // entry.itemsize
    offset = section.offset + start - section.address
    return np.fromfile(vmlinux, dtype=entry, count=count, offset=offset), start


def _code_of(entries: NDArray[np.void], start: int) -> Addresses:
    places = np.uint64(start) + np.arange(len(entries), dtype=np.uint64) * np.uint64(
        entries.dtype.itemsize
    )
    return places + entries["code"].astype(np.int64).astype(np.uint64)
