"""Something like a .ko, and the mapping of one that ran."""

from __future__ import annotations

from pkgafdo.branches.meta import ModuleMapping
from tests.unit import elf_files
from tests.unit.elf_files import EXECUTABLE, FUNC, GLOBAL, NOTE, PROGBITS, Part, note, symbol_parts

BASE = 0xFFFFFFFFA0002000
TEXT_SIZE = 64
RET = 0xC3
BUILD_ID = bytes(range(20, 40))


def ko(
    *, lines: bool = True, vermagic: str = "7.2.13-dev SMP preempt", text: bytes | None = None
) -> bytes:
    """Return a module of .text, .init.text and .exit.text; every byte of its code is a branch."""
    modinfo = b"license=GPL\0vermagic=" + vermagic.encode() + b"\0"
    code = bytes([RET]) * TEXT_SIZE if text is None else text
    parts = [
        Part(".text", PROGBITS, code, EXECUTABLE),
        Part(".data", PROGBITS, b"data", 3),
        Part(".init.text", PROGBITS, bytes([RET]) * 16, EXECUTABLE),
        Part(".exit.text", PROGBITS, bytes([RET]) * 8, EXECUTABLE),
        Part(".modinfo", PROGBITS, modinfo, 2),
        Part(".note.gnu.build-id", NOTE, note(b"GNU", 3, BUILD_ID)),
    ]
    if lines:
        parts.append(Part(".debug_line", PROGBITS, b"lines"))
    rows = [("jbd2_work", 0, 32, FUNC, GLOBAL, 1)]
    return elf_files.elf(*parts, *symbol_parts(rows, first=len(parts) + 1))


def mapping(*sections: tuple[str, int], size: int = 8192, name: str = "jbd2") -> ModuleMapping:
    """Return where the module lay; without sections as perf knows it."""
    return ModuleMapping(name=name, sections=sections or ((".text", BASE),), size=size)
