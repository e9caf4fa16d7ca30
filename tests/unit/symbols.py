"""Symbol tables made by hand, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo import elf
from tests.unit import elf_files as make

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.symtab import SymbolTable

    Row = tuple[str, int, int, int, int, int]

CODE, DATA = 1, 2


def symbols_of(folder: Path, rows: list[Row]) -> SymbolTable:
    """Return the symbols of a file with a .text and a .data and these rows."""
    parts = [
        make.Part(".text", make.PROGBITS, bytes(4096), make.EXECUTABLE),
        make.Part(".data", make.PROGBITS, bytes(16)),
    ]
    path = folder / "vmlinux"
    path.write_bytes(make.elf(*parts, *make.symbol_parts(rows, first=3)))
    return elf.symbols(path)


def function(name: str, address: int, size: int, *, kind: int = make.FUNC) -> Row:
    """Return the row of a global symbol in .text."""
    return (name, address, size, kind, make.GLOBAL, CODE)
