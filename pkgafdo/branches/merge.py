"""Adding branch tables, with integer weights."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from pkgafdo.branches.filters import module_intervals
from pkgafdo.branches.meta import TableMeta, add_dropped
from pkgafdo.branches.origin import build_ids, merged_origin, place_of
from pkgafdo.branches.table import from_counts
from pkgafdo.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pkgafdo.branches.columns import Column
    from pkgafdo.branches.meta import ModuleMapping
    from pkgafdo.branches.table import BranchTable


def merge_tables(
    tables: Sequence[BranchTable],
    *,
    weights: Sequence[int] | None = None,
    allow_mismatch: bool = False,
) -> BranchTable:
    """Add tables of one kernel, each count times its table's weight (default 1).

    Modules that were loaded elsewhere in a later recording are moved to where the first recording
    that knows them had them. Raises ArtifactError when the kernels differ and `allow_mismatch` is
    false, ConfigError when the weights make no sense.
    """
    factors = _checked_weights(len(tables), weights)
    metas = [table.meta for table in tables]
    if not allow_mismatch:
        _check_same_kernel(metas)
    modules = _first_mappings(metas)
    branches: list[tuple[Column, ...]] = []
    ranges: list[tuple[Column, ...]] = []
    for table, factor in zip(tables, factors, strict=True):
        moves = _moves(table.meta.modules, modules)
        a, b, *counts = table.branch_columns
        branches.append((_moved(a, moves), _moved(b, moves), *_times(counts, factor)))
        a, b, *counts = table.range_columns
        ranges.append((_moved(a, moves), _moved(b, moves), *_times(counts, factor)))
    source, target, taken, missed = (np.concatenate(part) for part in zip(*branches, strict=True))
    start, end, passed = (np.concatenate(part) for part in zip(*ranges, strict=True))
    meta = _merged_meta(metas, tuple(modules.values()))
    return from_counts((source, target, taken, missed), (start, end, passed), meta)


def _checked_weights(tables: int, weights: Sequence[int] | None) -> Sequence[int]:
    if not tables:
        raise ConfigError("There is no branch table to merge", hint="Name at least one.")
    if weights is None:
        return [1] * tables
    if len(weights) != tables or any(weight < 1 for weight in weights):
        raise ConfigError(
            f"{tables} branch tables cannot be merged with the weights {list(weights)}",
            hint="Give one integer of at least 1 for each table.",
        )
    return weights


def _check_same_kernel(metas: Sequence[TableMeta]) -> None:
    kernels = sorted(
        {f"build-id {one or 'unknown'}, {place_of(m)}" for m in metas for one in build_ids(m)}
    )
    if len(kernels) <= 1:
        return
    if len({one for meta in metas for one in build_ids(meta)}) == 1:
        raise ArtifactError(
            "The kernel lay elsewhere in each recording, so their addresses do not fit together",
            details="\n".join(kernels),
            hint="Name its vmlinux with --vmlinux: then all are moved to its addresses.",
        )
    raise ArtifactError(
        "The branch tables are of different kernels, so their addresses do not fit together",
        details="\n".join(kernels),
        hint="Convert each with its own vmlinux and merge the profiles instead.",
    )


def _first_mappings(metas: Sequence[TableMeta]) -> dict[str, ModuleMapping]:
    known: dict[str, ModuleMapping] = {}
    for meta in metas:
        for module in meta.modules:
            known.setdefault(module.name, module)
    return known


_Move = tuple[int, int, int]  # first address, last address, what to add (modulo 2**64)


def _moves(modules: tuple[ModuleMapping, ...], known: dict[str, ModuleMapping]) -> list[_Move]:
    """Return which addresses must move by how much, section by section."""
    found = []
    for module, (_, stop) in zip(modules, module_intervals(modules), strict=True):
        there = dict(known[module.name].sections)
        sections = sorted((address, name) for name, address in module.sections)
        stops = [address for address, _ in sections[1:]] + [stop]
        for (address, name), end in zip(sections, stops, strict=True):
            shift = there.get(name, address) - address
            if shift and end > address:
                found.append((address, end - 1, shift % (1 << 64)))
    return found


def _moved(addresses: Column, moves: Iterable[_Move]) -> Column:
    result = addresses.copy()
    for first, last, shift in moves:
        inside = (addresses >= np.uint64(first)) & (addresses <= np.uint64(last))
        result[inside] += np.uint64(shift)
    return result


def _times(counts: Iterable[Column], factor: int) -> list[Column]:
    return [count * np.uint64(factor) for count in counts]


def _merged_meta(metas: Sequence[TableMeta], modules: tuple[ModuleMapping, ...]) -> TableMeta:
    periods = {meta.period for meta in metas}
    extra: dict[str, str] = {}
    for name in sorted({name for meta in metas for name in meta.extra}):
        extra[name] = _joined(meta.extra.get(name, "") for meta in metas)
    extra |= merged_origin(metas)
    return TableMeta(
        build_id=metas[0].build_id,
        kernelrelease=_joined(meta.kernelrelease for meta in metas),
        link_base=metas[0].link_base,
        event=_joined(meta.event for meta in metas),
        period=periods.pop() if len(periods) == 1 else 0,
        samples=sum(meta.samples for meta in metas),
        lost=sum(meta.lost for meta in metas),
        source=_joined(meta.source for meta in metas),
        cpu=_joined(meta.cpu for meta in metas),
        dropped=reduce(add_dropped, (meta.dropped for meta in metas)),
        modules=modules,
        extra=extra,
    )


def _joined(values: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(value for value in values if value))
