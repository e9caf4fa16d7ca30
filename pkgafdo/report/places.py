"""Where a kernel's branches are taken: by function, by source file, by subsystem."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pkgafdo.branches.meta import ModuleMapping
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.symtab import SymbolTable

UNKNOWN: Final = "assembly and unnamed code"
"""Where code without a line table is counted."""

_TWO_LEVELS: Final = frozenset({"arch", "drivers", "fs", "kernel", "net", "security", "sound"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One function: its name without the compiler's suffixes, its address, and branches taken in it."""

    name: str
    address: int
    count: int
    module: str = ""


def places_of(
    table: BranchTable, symbols: SymbolTable, plain: Callable[[str], str]
) -> tuple[Place, ...]:
    """Return the functions that branches were taken in, parts of one function counted together.

    Branches in modules are counted by module, as vmlinux does not name their functions.
    """
    inside = symbols.find(table.branch_from)
    found: dict[str, Place] = {}
    for index, count in _sums(inside, table.branch_count):
        if index < 0:
            continue
        name = plain(symbols.name(index))
        address = int(symbols.address[index])
        old = found.get(name)
        # The hottest part stands for the function.
        kept = address if old is None or count > old.count else old.address
        found[name] = Place(name=name, address=kept, count=count + (old.count if old else 0))
    outside = inside < 0
    modules = _in_modules(
        table.branch_from[outside], table.branch_count[outside], table.meta.modules
    )
    return tuple(sorted((*found.values(), *modules), key=lambda place: (-place.count, place.name)))


def _sums(keys: NDArray[np.int64], counts: NDArray[np.uint64]) -> Iterable[tuple[int, int]]:
    unique, inverse = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(unique), dtype=np.uint64)
    np.add.at(sums, inverse, counts)
    return zip(unique.tolist(), sums.tolist(), strict=True)


def _in_modules(
    addresses: NDArray[np.uint64], counts: NDArray[np.uint64], modules: tuple[ModuleMapping, ...]
) -> list[Place]:
    places = []
    left = np.ones(len(addresses), dtype=bool)
    for module in modules:
        here = left & (addresses >= module.base) & (addresses < module.base + module.size)
        left &= ~here
        if total := int(counts[here].sum()):
            places.append(
                Place(
                    name=f"{module.name} (module)",
                    address=0,
                    count=total,
                    module=module.name,
                )
            )
    if rest := int(counts[left].sum()):
        places.append(Place(name="outside every symbol", address=0, count=rest))
    return places


def cold_bytes(symbols: SymbolTable) -> int:
    """Return how many bytes of code were parted from their functions as cold (`.cold` symbols)."""
    code = symbols.functions()
    names = symbols.names(code)
    cold = np.array([name.endswith(".cold") for name in names], dtype=bool)
    return int(symbols.size[code][cold].sum())


def source_in_tree(path: str, roots: Sequence[str]) -> str:
    """Return a source file's path inside the kernel tree, or an empty text when it is not there.

    DWARF has paths below the source tree or the build folder (the roots), or relative to these.
    """
    for root in roots:
        if path.startswith(root.rstrip("/") + "/"):
            path = path[len(root.rstrip("/")) + 1 :]
            break
    return "" if path.startswith("/") else str(PurePosixPath(path)).removeprefix("../")


def subsystem_of(source: str) -> str:
    """Return the subsystem that a file of the kernel tree belongs to: its first or two first folders."""
    parts = PurePosixPath(source).parts
    if len(parts) < 2:
        return UNKNOWN
    if parts[0] in _TWO_LEVELS and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def group_places(places: Sequence[Place], sources: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return subsystems with their functions, both by falling count, as JSON-plain objects.

    sources maps a function's name to its source file inside the kernel tree.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for place in places:
        if place.module:
            groups.setdefault("modules", []).append({"name": place.name, "count": place.count})
            continue
        source = sources.get(place.name, "")
        row = {"name": place.name, "count": place.count, "source": source}
        groups.setdefault(subsystem_of(source), []).append(row)
    rows = [
        {"name": name, "count": sum(row["count"] for row in functions), "functions": functions}
        for name, functions in groups.items()
    ]
    return sorted(rows, key=lambda row: (-int(row["count"]), str(row["name"])))
