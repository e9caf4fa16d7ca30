"""Where the kernel and its modules lay while the recording was made."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.branches.meta import ModuleMapping
from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.formats import MISC_MMAP_BUILD_ID, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_MMAP: Final = struct.Struct("<IHHiiQQQ")  # record header, pid, tid, start, length, page offset
_NAME_AT: Final = {Record.MMAP: 40, Record.MMAP2: 72}
_KERNEL: Final = re.compile(r"^\[kernel\.(?:kallsyms|vmlinux)\](_stext|_text)?")
_BRACKETS: Final = re.compile(r"^\[(?!kernel\.|guest\.|bpf|__|vdso|vsyscall)([^\]]+)\]$")
_FILE: Final = re.compile(r"(?:^|/)([^/]+)\.ko(?:\.(?:gz|xz|zst|bz2|lzma))?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelMapping:
    """The running kernel: symbol (`_text` or `_stext`) lay at `address`."""

    symbol: str
    address: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeMapping:
    """One mapping of kernel code, as recorded; build_id is in hex, empty when it is not told."""

    name: str
    start: int
    length: int
    offset: int
    build_id: str


def parse_mapping(record: bytes) -> CodeMapping:
    """Parse an MMAP or MMAP2 record."""
    if len(record) < _MMAP.size:
        raise damaged(f"A mapping record has {len(record)} bytes.")
    kind, misc, _, _, _, start, length, offset = _MMAP.unpack_from(record)
    name_at = _NAME_AT[Record(kind)]
    name = record[name_at:].split(b"\0", 1)[0].decode("utf-8", "replace")
    build_id = ""
    if kind == Record.MMAP2 and misc & MISC_MMAP_BUILD_ID and len(record) >= name_at:
        build_id = record[44 : 44 + min(record[40], 20)].hex()
    return CodeMapping(name=name, start=start, length=length, offset=offset, build_id=build_id)


def is_kernel(name: str) -> bool:
    """Tell whether a mapping's name is that of the kernel itself."""
    return _KERNEL.match(name) is not None


def module_name(name: str) -> str | None:
    """Return the module that a mapping's name stands for: `[nf_tables]`, or a path to its .ko."""
    match = _BRACKETS.match(name) or _FILE.search(name)
    return match[1].replace("-", "_") if match else None


def kernel_mapping(mapping: CodeMapping) -> KernelMapping | None:
    """Return where the kernel lay; None when the recorder was not allowed to know.

    The page offset is the address of the symbol that the name ends in
    (tools/perf/util/synthetic-events.c, __perf_event__synthesize_kernel_mmap).
    """
    match = _KERNEL.match(mapping.name)
    if match is None or not mapping.start:
        return None
    symbol = match[1] or "_text"
    address = mapping.offset if match[1] and mapping.offset else mapping.start
    return KernelMapping(symbol=symbol, address=address, length=mapping.length)


def module_mappings(found: Mapping[str, CodeMapping]) -> tuple[ModuleMapping, ...]:
    """Return the modules, in the order of their addresses."""
    ordered = sorted(found.items(), key=lambda item: item[1].start)
    return tuple(
        ModuleMapping(name=name, sections=((".text", mapping.start),), size=mapping.length)
        for name, mapping in ordered
    )
