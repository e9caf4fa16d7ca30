"""Small kernels with an address map, written by hand, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit import elf_files
from tests.unit.elf_files import FUNC, GLOBAL, LOCAL, NOTYPE, Part
from tests.unit.propeller.maps import Function, encode

if TYPE_CHECKING:
    from pathlib import Path

TEXT = 0xFFFFFFFF81000000
INIT = 0xFFFFFFFF82000000
BUILD_ID = bytes(range(20))
MAP_TYPE = 0x6FFF4C0A
WEAK = 2
ROW = tuple[str, int, int, int, int, int]


def symbol(name: str, address: int, size: int = 16, binding: int = GLOBAL) -> ROW:
    """Return a function's symbol in .text, or in .init.text."""
    return name, address, size, FUNC, binding, 2 if address >= INIT else 1


def label(name: str, address: int) -> ROW:
    return name, address, 0, NOTYPE, LOCAL, 1


def write_kernel(
    path: Path, rows: list[ROW], *functions: Function, debug: list[Part] | None = None
) -> Path:
    """Write a vmlinux with .text, .init.text, symbols, notes, and the functions' address map."""
    parts = [
        Part(".text", elf_files.PROGBITS, bytes(0x4000), elf_files.EXECUTABLE, TEXT),
        Part(".init.text", elf_files.PROGBITS, bytes(0x1000), elf_files.EXECUTABLE, INIT),
        Part(".notes", elf_files.NOTE, elf_files.note(b"GNU", 3, BUILD_ID)),
        *(debug or []),
    ]
    if functions:
        parts.append(Part(".llvm_bb_addr_map", MAP_TYPE, encode(*functions), link=1))
    path.write_bytes(elf_files.elf(*parts, *elf_files.symbol_parts(rows, first=len(parts) + 1)))
    return path
