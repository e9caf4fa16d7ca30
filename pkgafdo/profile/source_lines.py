"""Which lines of their source the functions of a kernel have, asked of llvm-symbolizer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import elf
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.info import plain_name
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable

_MOST: Final = 400_000
"""Addresses to ask for: every byte of a small kernel's hot functions, every few of a large one's.
Few lines' code is shorter than four bytes; what is missed so was 2 % of a real profile's samples."""
_AT_ONCE: Final = 50_000
"""Addresses in one call: its answer has about 40 MB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLines:
    """What a kernel has: the names of its functions, and of some the lines that have code.

    lines maps a function's name to the distances of its lines from its first.
    """

    functions: set[str]
    lines: dict[str, set[int]]

    def add(self, other: SourceLines) -> None:
        """Take in what another part of the kernel has."""
        self.functions.update(other.functions)
        for name, offsets in other.lines.items():
            self.lines.setdefault(name, set()).update(offsets)


def symbolizer_command(symbolizer: str, binary: Path, addresses: list[int]) -> Command:
    """Return the command that tells the lines of addresses, inlined functions included."""
    return Command(
        argv=(
            symbolizer,
            f"--obj={binary}",
            "--inlines",
            "--functions=linkage",
            "--output-style=JSON",
        ),
        stdin="".join(f"{address:#x}\n" for address in addresses),
    )


def read_source_lines(
    runner: Runner, symbolizer: str, vmlinux: Path, names: AbstractSet[str]
) -> SourceLines:
    """Return the source lines of the named functions of a kernel or linked module.

    Raises ArtifactError when it has no line tables.
    """
    if not elf.has_line_tables(vmlinux):
        raise ArtifactError(
            f"{vmlinux} has no line tables", hint="Build it with CONFIG_DEBUG_INFO_DWARF5=y."
        )
    symbols = elf.symbols(vmlinux)
    functions = [int(index) for index in symbols.functions()]
    plain = [plain_name(name) for name in symbols.names(functions)]
    asked = [(name, at) for name, at in zip(plain, functions, strict=True) if name in names]
    found: dict[str, set[int]] = {}
    for owners, addresses in _batches(symbols, asked):
        answer = runner.query(symbolizer_command(symbolizer, vmlinux, addresses)).stdout
        for owner, line in zip(owners, answer.splitlines(), strict=False):
            add_frames(found, owner, json.loads(line).get("Symbol", []))
    return SourceLines(functions={*plain, *found}, lines=found)


def add_frames(found: dict[str, set[int]], owner: str, frames: list[dict[str, Any]]) -> None:
    """Add one address's answer: its frames, the innermost first; the last one is the owner's own."""
    for place, frame in enumerate(frames):
        line, first = frame.get("Line", 0), frame.get("StartLine", 0)
        if line >= first > 0:
            # The symbol's name may be an alias of the one that DWARF, and so the profile, has.
            names = {plain_name(frame.get("FunctionName", ""))}
            names |= {owner} if place == len(frames) - 1 else set()
            for name in names:
                found.setdefault(name, set()).add(line - first)


def _batches(
    symbols: SymbolTable, asked: list[tuple[str, int]]
) -> Iterator[tuple[list[str], list[int]]]:
    owners: list[str] = []
    addresses: list[int] = []
    step = 1 + sum(int(symbols.size[index]) for _, index in asked) // _MOST
    for name, index in asked:
        start, size = int(symbols.address[index]), int(symbols.size[index])
        places = range(start, start + max(size, 1), step)
        owners += [name] * len(places)
        addresses += places
        if len(addresses) >= _AT_ONCE:
            yield owners, addresses
            owners, addresses = [], []
    if addresses:
        yield owners, addresses
