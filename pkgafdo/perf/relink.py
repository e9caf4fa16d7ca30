"""Moving a table that was recorded without vmlinux to link addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pkgafdo.branches.filters import keep_inside, module_intervals
from pkgafdo.branches.origin import RUNTIME, RUNTIME_ADDRESSES
from pkgafdo.branches.table import from_counts
from pkgafdo.perf.perfdata.mappings import KernelMapping
from pkgafdo.perf.perfdata.table import kernel_interval, kernel_shift, linked_code, moved

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import TextBounds


def relinked(table: BranchTable, text: TextBounds) -> BranchTable:
    """Return the table at the addresses of a vmlinux.

    One that is there already stays as it is, and so does one of a kernel that lay nobody knows where.
    """
    mark = table.meta.extra.get(RUNTIME_ADDRESSES, "")
    symbol = mark.removeprefix(RUNTIME)
    if symbol == mark:
        return table
    return _moved(table, text, KernelMapping(symbol=symbol, address=table.meta.link_base, length=0))


def _moved(table: BranchTable, text: TextBounds, kernel: KernelMapping) -> BranchTable:
    places = module_intervals(table.meta.modules)
    interval = kernel_interval(kernel, text, places)
    shift = kernel_shift(kernel, text)
    branches, ranges = list(table.branch_columns), list(table.range_columns)
    if interval is not None:
        for columns in (branches, ranges):
            columns[:2] = [moved(column, interval, shift) for column in columns[:2]]
    extra = {k: v for k, v in table.meta.extra.items() if k != RUNTIME_ADDRESSES}
    extra["kaslr-shift"] = f"{-shift:#x}"
    meta = replace(table.meta, link_base=text.text or 0, extra=extra)
    result = from_counts(
        (branches[0], branches[1], branches[2], branches[3]),
        (ranges[0], ranges[1], ranges[2]),
        meta,
    )
    return keep_inside(result, [*linked_code(text), *places])
