"""Tiny ELF64 files made by hand, for tests."""

from __future__ import annotations

import struct
from dataclasses import dataclass

PROGBITS, SYMTAB, STRTAB, NOTE, NOBITS = 1, 2, 3, 7, 8
EXECUTABLE = 0x6  # SHF_ALLOC | SHF_EXECINSTR
FUNC, NOTYPE, OBJECT = 2, 0, 1
LOCAL, GLOBAL = 0, 1


@dataclass(frozen=True)
class Part:
    """A section to write."""

    name: str
    type: int
    content: bytes = b""
    flags: int = 0
    address: int = 0
    link: int = 0
    entry: int = 0


def note(owner: bytes, kind: int, content: bytes) -> bytes:
    """Return one note, padded to four bytes."""
    name = owner + b"\0"
    pad = (-len(name)) % 4
    return (
        struct.pack("<III", len(name), len(content), kind)
        + name
        + bytes(pad)
        + content
        + bytes((-len(content)) % 4)
    )


def symbol_parts(rows: list[tuple[str, int, int, int, int, int]], *, first: int) -> list[Part]:
    """Return .symtab and .strtab for (name, address, size, type, binding, section index).

    `first` is the index that the first of the two sections will have.
    """
    strings = bytearray(b"\0")
    table = bytearray(24)
    for name, address, size, kind, binding, section in rows:
        table += struct.pack(
            "<IBBHQQ", len(strings), binding << 4 | kind, 0, section, address, size
        )
        strings += name.encode() + b"\0"
    return [
        Part(".symtab", SYMTAB, bytes(table), link=first + 1, entry=24),
        Part(".strtab", STRTAB, bytes(strings)),
    ]


def elf(
    *parts: Part, machine: int = 62, segments: tuple[tuple[int, int, int, bytes], ...] = ()
) -> bytes:
    """Return an ELF file with these sections (the empty first and .shstrtab are added).

    segments are (type, flags, vaddr, content).
    """
    names = bytearray(b"\0")
    all_parts = [*parts, Part(".shstrtab", STRTAB)]
    name_at = []
    for part in all_parts:
        name_at.append(len(names))
        names += part.name.encode() + b"\0"
    contents = [part.content for part in all_parts]
    contents[-1] = bytes(names)
    body = bytearray(64 + 56 * len(segments))
    heads = bytearray()
    for index, (kind, flags, vaddr, content) in enumerate(segments):
        struct.pack_into(
            "<IIQQQQQQ",
            body,
            64 + 56 * index,
            *(kind, flags, len(body), vaddr, 0, len(content), len(content), 4),
        )
        body += content
    for part, at, content in zip(all_parts, name_at, contents, strict=True):
        size = len(content)
        row = (at, part.type, part.flags, part.address, len(body), size, part.link, 0, 1)
        heads += struct.pack("<IIQQQQIIQQ", *row, part.entry)
        body += b"" if part.type == NOBITS else content
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    struct.pack_into(
        "<16sHHIQQQIHHHHHH",
        body,
        0,
        *(ident, 2, machine, 1, 0, 64 if segments else 0, len(body), 0, 64, 56, len(segments)),
        *(64, len(all_parts) + 1, len(all_parts)),
    )
    return bytes(body + bytes(64) + heads)


def vmlinux(
    *,
    build_id: bytes | None = bytes(range(20)),
    salt: str | None = None,
    lines: bool = True,
    base_symbol: bool = False,
) -> bytes:
    """Return something like a vmlinux: code, notes, symbols; line tables and `_text` when wanted."""
    notes = b""
    if build_id is not None:
        notes += note(b"GNU", 3, build_id)
    if salt is not None:
        notes += note(b"Linux", 0x100, salt.encode() + b"\0")
    parts = [
        Part(".text", PROGBITS, bytes(64), EXECUTABLE, 0xFFFFFFFF81000000),
        Part(".notes", NOTE, notes),
    ]
    if lines:
        parts.append(Part(".debug_line", PROGBITS, b"lines"))
    base = 0xFFFFFFFF81000000
    rows = [
        ("_stext", base, 0, NOTYPE, GLOBAL, 1),
        ("do_work", base, 32, FUNC, GLOBAL, 1),
        ("_etext", base + 64, 0, NOTYPE, GLOBAL, 1),
    ]
    if base_symbol:
        rows.append(("_text", base, 0, NOTYPE, GLOBAL, 1))
    return elf(*parts, *symbol_parts(rows, first=len(parts) + 1))
