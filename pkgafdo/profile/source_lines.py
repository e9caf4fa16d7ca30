"""Which lines of their source the functions of a kernel have, asked of llvm-symbolizer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import elf
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.info import plain_name
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from pathlib import Path

    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable

_STEP: Final = 4
"""Bytes between the addresses asked for: few lines' code is shorter."""
_AT_ONCE: Final = 50_000
"""Addresses in one call: its answer has about 40 MB."""
Lines = dict[str, set[int]]
"""Function name → distances of its lines from its first."""


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
    runner: Runner, symbolizer: str, vmlinux: Path, names: Set[str]
) -> tuple[Lines, Set[str]]:
    """Return the source lines of the named functions, and the names of all functions of a kernel.

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
    found: Lines = {}
    for owners, addresses in _batches(symbols, asked):
        answer = runner.query(symbolizer_command(symbolizer, vmlinux, addresses)).stdout
        for owner, line in zip(owners, answer.splitlines(), strict=False):
            add_frames(found, owner, json.loads(line).get("Symbol", []))
    return found, set(plain) | found.keys()


def add_frames(found: Lines, owner: str, frames: list[dict[str, Any]]) -> None:
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
    for name, index in asked:
        start, size = int(symbols.address[index]), int(symbols.size[index])
        places = range(start, start + max(size, 1), _STEP)
        owners += [name] * len(places)
        addresses += places
        if len(addresses) >= _AT_ONCE:
            yield owners, addresses
            owners, addresses = [], []
    if addresses:
        yield owners, addresses
