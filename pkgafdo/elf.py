"""ELF64 little-endian files: notes, sections, segments and symbols.

Anything else raises ArtifactError with one sentence, a truncated or corrupt file too. A file of a
gigabyte costs no more than its tables and what is asked for.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.symtab import SymbolTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from elftools.elf.elffile import ELFFile
    from numpy.typing import NDArray

_NOTE: Final = struct.Struct("<III")
_SYMBOL: Final = [
    ("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"),
    ("address", "<u8"), ("size", "<u8"),
]  # fmt: skip
"""Elf64_Sym of elf(5)."""

_SHF_EXECINSTR: Final = 4
_NT_GNU_BUILD_ID: Final = 3
_LINUX_ELFNOTE_BUILD_SALT: Final = 0x100
"""From the kernel's include/linux/build-salt.h."""

_MACHINES: Final = {
    "EM_386": "i386",
    "EM_X86_64": "x86_64",
    "EM_AARCH64": "aarch64",
    "EM_RISCV": "riscv64",
}
_NEXT_MOVE: Final = (
    "Use the uncompressed vmlinux: at the top of the kernel's build folder, or in its -debug "
    "package (`pkgafdo vmlinux find`)."
)
_COMPRESSED: Final = (
    b"\x1f\x8b",  # gzip
    b"\xfd7zXZ\0",  # xz
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\x02\x21\x4c\x18",  # lz4, legacy frame (the kernel's)
    b"\x04\x22\x4d\x18",  # lz4
    b"BZh",  # bzip2
)
_BOOT_MAGIC: Final = ((0x202, b"HdrS"), (4, b"zimg"))
"""x86: Documentation/arch/x86/boot.rst; EFI zboot: drivers/firmware/efi/libstub/zboot-header.S."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One ELF note: its owner's name, type and content."""

    name: str
    type: int
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One section; type as in elf(5), for example `SHT_PROGBITS`, flags the SHF_… bits."""

    name: str
    type: str
    flags: int
    address: int
    offset: int
    size: int
    align: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One program header: `filesz` bytes at `offset` go to `vaddr`; flags are the PF_… bits."""

    type: str
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TextBounds:
    """Addresses that delimit a kernel's code, each None where the symbol is absent."""

    text: int | None
    stext: int | None
    etext: int | None
    sinittext: int | None
    einittext: int | None
    entry_text_start: int | None
    entry_text_end: int | None


@contextmanager
def _opened(path: Path) -> Iterator[ELFFile]:
    """Open an ELF64 little-endian file, or raise ArtifactError saying what it is instead."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as stream:
            _check_magic(path, stream.read(0x206))
            stream.seek(0)
            yield ELFFile(stream)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror or error}",
            hint="Check the path and its permissions.",
        ) from error
    except (ELFError, OverflowError, ValueError) as error:  # the last two: an absurd offset
        raise _corrupt(path, str(error)) from error


def _corrupt(path: Path, evidence: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is a truncated or corrupt ELF file",
        details=evidence,
        hint="Copy or build the file again.",
    )


def _check_magic(path: Path, head: bytes) -> None:
    if head.startswith(b"\x7fELF\x02\x01"):
        return
    if head.startswith((b"\x7fELF\x01", b"\x7fELF\x02\x02")):
        kind = "32-bit" if head[4] == 1 else "big-endian"
        raise ArtifactError(
            f"{path} is a {kind} ELF file",
            hint="Only 64-bit little-endian kernels can be profiled.",
        )
    if head.startswith(b"\x7fELF"):
        raise _corrupt(path, f"It begins with {head[:8].hex(' ')}.")
    if head.startswith(_COMPRESSED) or any(
        head[offset : offset + len(magic)] == magic for offset, magic in _BOOT_MAGIC
    ):
        raise ArtifactError(f"{path} is a compressed boot image, not vmlinux", hint=_NEXT_MOVE)
    what = f"begins with {head[:8].hex(' ')}" if head else "is empty"
    raise ArtifactError(f"{path} is not an ELF file", details=f"It {what}.", hint=_NEXT_MOVE)


def _read(file: ELFFile, path: Path, offset: int, size: int) -> bytes:
    """Return exactly `size` bytes at `offset` of an open file."""
    if offset + size > file.stream_len:
        raise _corrupt(path, f"{size} bytes at offset {offset} lie beyond its end.")
    file.stream.seek(offset)
    data: bytes = file.stream.read(size)
    return data


def parse_notes(blob: bytes) -> tuple[Note, ...]:
    """Parse a notes blob such as /sys/kernel/notes; a cut-off last note is left out."""
    found = []
    offset = 0
    while offset + _NOTE.size <= len(blob):
        name_size, size, kind = _NOTE.unpack_from(blob, offset)
        name_at = offset + _NOTE.size
        content_at = name_at + _aligned(name_size)
        offset = content_at + _aligned(size)
        if content_at + size > len(blob):
            break
        name = blob[name_at : name_at + name_size].rstrip(b"\0").decode("utf-8", "replace")
        content = blob[content_at : content_at + size]
        found.append(Note(name=name, type=kind, content=content))
    return tuple(found)


def _aligned(size: int) -> int:
    return (size + 3) & ~3


def build_id_of(notes: Iterable[Note]) -> str | None:
    """Return the GNU build-id among notes, in hex."""
    for note in notes:
        if note.name == "GNU" and note.type == _NT_GNU_BUILD_ID:
            return note.content.hex()
    return None


def build_salt_of(notes: Iterable[Note]) -> str | None:
    """Return the kernel's CONFIG_BUILD_SALT among notes; empty when it was not set."""
    for note in notes:
        if note.name == "Linux" and note.type == _LINUX_ELFNOTE_BUILD_SALT:
            return note.content.rstrip(b"\0").decode("utf-8", "replace")
    return None


def notes(path: Path) -> tuple[Note, ...]:
    """Read all notes: from the note sections, or from the segments of a file without sections."""
    with _opened(path) as file:
        places = [
            (part["sh_offset"], part["sh_size"])
            for part in file.iter_sections()
            if part["sh_type"] == "SHT_NOTE"
        ] or [
            (part["p_offset"], part["p_filesz"])
            for part in file.iter_segments()
            if part["p_type"] == "PT_NOTE"
        ]
        blobs = [_read(file, path, offset, size) for offset, size in places]
    return tuple(note for blob in blobs for note in parse_notes(blob))


def build_id(path: Path) -> str | None:
    """Read the GNU build-id of a file, in hex."""
    return build_id_of(notes(path))


def build_salt(path: Path) -> str | None:
    """Read the CONFIG_BUILD_SALT of a vmlinux; empty when not set, None when there is no note."""
    return build_salt_of(notes(path))


def machine(path: Path) -> str:
    """Read the machine that a file is for, in the words of `uname -m` where they are known."""
    with _opened(path) as file:
        name = str(file["e_machine"])
    return _MACHINES.get(name, name)


def sections(path: Path) -> tuple[Section, ...]:
    """Read the sections of a file, the empty first one included, so that indices fit."""
    with _opened(path) as file:
        return tuple(
            Section(
                name=part.name,
                type=str(part["sh_type"]),
                flags=part["sh_flags"],
                address=part["sh_addr"],
                offset=part["sh_offset"],
                size=part["sh_size"],
                align=part["sh_addralign"],
            )
            for part in file.iter_sections()
        )


def segments(path: Path) -> tuple[Segment, ...]:
    """Read the program headers of a file."""
    with _opened(path) as file:
        return tuple(
            Segment(
                type=str(part["p_type"]),
                flags=part["p_flags"],
                offset=part["p_offset"],
                vaddr=part["p_vaddr"],
                filesz=part["p_filesz"],
                memsz=part["p_memsz"],
            )
            for part in file.iter_segments()
        )


def has_line_tables(path: Path) -> bool:
    """Tell whether a file carries DWARF line tables, which profile conversion needs."""
    wanted = {".debug_line", ".zdebug_line"}  # .zdebug: compressed in the old way
    return any(
        part.name in wanted and part.type != "SHT_NOBITS" and part.size > 0
        for part in sections(path)
    )


def symbols(path: Path) -> SymbolTable:
    """Read the symbol table of a file; raises ArtifactError when it was stripped away."""
    from elftools.elf.sections import SymbolTableSection

    with _opened(path) as file:
        table = next(file.iter_sections(type="SHT_SYMTAB"), None)
        if not isinstance(table, SymbolTableSection):
            raise ArtifactError(f"{path} has no symbol table: it was stripped", hint=_NEXT_MOVE)
        raw = _read(file, path, table["sh_offset"], table["sh_size"])
        names = table.stringtable
        strings = _read(file, path, names["sh_offset"], names["sh_size"])
        code = [bool(part["sh_flags"] & _SHF_EXECINSTR) for part in file.iter_sections()]
    return _symbol_table(raw, strings, code)


def _symbol_table(raw: bytes, strings: bytes, code: list[bool]) -> SymbolTable:
    import numpy as np

    dtype = np.dtype(_SYMBOL)
    rows = np.frombuffer(raw, dtype=dtype, count=len(raw) // dtype.itemsize)
    info: NDArray[np.uint8] = np.ascontiguousarray(rows["info"])
    section: NDArray[np.uint16] = np.ascontiguousarray(rows["section"])
    ordinary = section < len(code)  # the others are SHN_ABS, SHN_COMMON …
    return SymbolTable(
        address=np.ascontiguousarray(rows["address"]),
        size=np.ascontiguousarray(rows["size"]),
        type=info & np.uint8(0xF),
        binding=info >> np.uint8(4),
        section=section,
        executable=ordinary & np.array(code, dtype=bool)[np.where(ordinary, section, 0)],
        name_offset=np.ascontiguousarray(rows["name"]),
        strings=strings,
    )


def text_bounds(path: Path) -> TextBounds:
    """Read the addresses that delimit a kernel's code."""
    address_of = symbols(path).address_of
    return TextBounds(
        text=address_of("_text"),
        stext=address_of("_stext"),
        etext=address_of("_etext"),
        sinittext=address_of("_sinittext"),
        einittext=address_of("_einittext"),
        entry_text_start=address_of("__entry_text_start"),
        entry_text_end=address_of("__entry_text_end"),
    )
