"""What the functions of an address map are called, and which of them must stay where they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import dwarf, elf, log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from pkgafdo.symtab import SymbolTable

    Marks = NDArray[np.bool_]

_FUNC: Final = 2
_WEAK: Final = 2
"""STT_FUNC and STB_WEAK of elf(5)."""

_MOVABLE_SECTION: Final = ".text"
_FIXED_PARTS: Final = (
    ("__entry_text_start", "__entry_text_end"),
    ("__noinstr_text_start", "__noinstr_text_end"),
    ("__static_call_text_start", "__static_call_text_end"),
    ("__indirect_thunk_start", "__indirect_thunk_end"),
)
"""Parts of .text whose order or extent means something (include/asm-generic/vmlinux.lds.h)."""

_COMPUTED_GOTOS: Final = frozenset({"___bpf_prog_run"})
"""Functions whose table of labels objtool follows (kernel/bpf/core.c): it must find one function."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Functions:
    """Names, source files (only where a name is not unique) and movability, one for each.

    aliases: a function's other names, those only that no other function has.
    """

    names: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    modules: tuple[str | None, ...]
    movable: Marks


def describe_functions(vmlinux: Path, entries: NDArray[np.uint64]) -> Functions:
    """Look up the functions at these addresses.

    A function without a symbol gets its address for a name and is not movable; nor is one that a
    profile cannot tell from another one of its name.
    """
    symbols = elf.symbols(vmlinux)
    names, homes = _names(symbols, entries)
    every = [names.get(entry, ()) for entry in entries.tolist()]
    found = [each[0] if each else None for each in every]
    sources = _sources(vmlinux, {name: homes[name] for name in found if name is not None})
    modules = tuple(sources.get(entry) for entry in entries.tolist())
    lost = [
        name is not None and len(homes[name]) > 1 and module is None
        for name, module in zip(found, modules, strict=True)
    ]
    if any(lost):
        log.warn(
            f"{sum(lost)} executed functions share their name with others and are left as they "
            "are: debug information does not tell their source files apart"
        )
    stays = [not each or not _COMPUTED_GOTOS.isdisjoint(each) for each in every]
    return Functions(
        names=tuple(
            name or f"{entry:#x}" for name, entry in zip(found, entries.tolist(), strict=True)
        ),
        aliases=tuple(
            tuple(alias for alias in each[1:] if len(homes[alias]) == 1) for each in every
        ),
        modules=modules,
        movable=~(
            _fixed(vmlinux, symbols, entries)
            | np.array(stays, dtype=bool)
            | np.array(lost, dtype=bool)
        ),
    )


def _names(
    symbols: SymbolTable, entries: NDArray[np.uint64]
) -> tuple[dict[int, tuple[str, ...]], dict[str, set[int]]]:
    """Return each function's names by its address, and the addresses of every name.

    Which of several symbols at one address is the body's own name cannot be told; a weak one is
    an alias for sure. So weak ones come last, and otherwise they stay as in the file.
    """
    indices = np.flatnonzero(symbols.executable & (symbols.type == _FUNC))
    indices = indices[np.argsort(symbols.binding[indices] == _WEAK, kind="stable")]
    wanted = set(entries.tolist())
    names: defaultdict[int, dict[str, None]] = defaultdict(dict)
    homes: defaultdict[str, set[int]] = defaultdict(set)
    addresses = symbols.address[indices].tolist()
    for name, address in zip(symbols.names(indices.tolist()), addresses, strict=True):
        homes[name].add(address)
        if address in wanted:
            names[address][name] = None
    return {address: tuple(found) for address, found in names.items()}, homes


def _sources(vmlinux: Path, homes: Mapping[str, set[int]]) -> dict[int, str]:
    """Return the source files, by address, that tell functions of one name apart.

    A file that was compiled twice does not, nor does one that a profile cannot name.
    """
    shared = [(name, at) for name in sorted(homes) for at in homes[name] if len(homes[name]) > 1]
    if not shared:
        return {}
    addresses = np.array([at for _, at in shared], dtype=np.uint64)
    pairs = [
        (name, unit)
        for (name, _), unit in zip(shared, dwarf.unit_names(vmlinux, addresses), strict=True)
    ]
    times = Counter(pairs)
    return {
        at: unit
        for (_, at), (name, unit) in zip(shared, pairs, strict=True)
        if unit is not None and times[name, unit] == 1 and len(unit.split()) == 1
    }


def _fixed(vmlinux: Path, symbols: SymbolTable, entries: NDArray[np.uint64]) -> Marks:
    """Mark the functions outside .text, or in a part of it that is not to be touched."""
    fixed = np.ones(len(entries), dtype=bool)
    for section in elf.sections(vmlinux):
        if section.name == _MOVABLE_SECTION:
            fixed &= ~_between(entries, section.address, section.address + section.size)
    for first, last in _FIXED_PARTS:
        start, end = symbols.address_of(first), symbols.address_of(last)
        if start is not None and end is not None:
            fixed |= _between(entries, start, end)
    return fixed


def _between(entries: NDArray[np.uint64], start: int, end: int) -> Marks:
    return (entries >= np.uint64(start)) & (entries < np.uint64(end))
