"""The comparison as a table for the terminal."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS: Final = 80
_UNITS: Final = {"T": 10**12, "G": 10**9, "M": 10**6}


def render_table(
    suites: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str], kernels: Sequence[str]
) -> str:
    """Return the totals of each suite, a row a metric, a column a kernel, and the change in percent.

    suites maps a suite's name to metric → kernel → count. Where a suite has `noise`, how much layout
    alone changes stands in the last column. Counts are rounded where 80 columns ask for it.
    """
    tables = _cells(suites, labels, kernels, exact=True)
    if sum(_widths(tables)) > _COLUMNS:
        tables = _cells(suites, labels, kernels, exact=False)
    widths = _widths(tables)
    lines = []
    for suite, rows in tables.items():
        lines += ["", f"{suite}:"]
        for label, *cells in rows:
            row = zip(cells, widths[1:], strict=False)
            lines.append(f"{label:{widths[0]}s}" + "".join(f"{cell:>{w}s}" for cell, w in row))
    return "\n".join(lines).strip("\n") + "\n"


def _cells(
    suites: Mapping[str, Mapping[str, Any]],
    labels: Mapping[str, str],
    kernels: Sequence[str],
    *,
    exact: bool,
) -> dict[str, list[list[str]]]:
    """Return each suite's rows as text, the head first."""
    tables = {}
    for suite, metrics in suites.items():
        floors = metrics.get("noise", {}).get("changes")
        head = ["", *kernels, *["change"] * (len(kernels) - 1), *(["floor"] if floors else [])]
        rows = [head]
        for metric, label in labels.items():
            counts = [metrics[metric][kernel] for kernel in kernels]
            row = [f"  {label}", *(f"{one:,d}" if exact else _rounded(one) for one in counts)]
            row += [_change(counts[0], count) for count in counts[1:]]
            rows.append(row + ([_floor(floors[metric])] if floors else []))
        tables[suite] = rows
    return tables


def _widths(tables: Mapping[str, list[list[str]]]) -> list[int]:
    """Return the widths of the columns, the same in all tables."""
    rows = [row for table in tables.values() for row in table]
    columns = zip_longest(*rows, fillvalue="")
    return [max(map(len, cells)) + (2 if number else 0) for number, cells in enumerate(columns)]


def _rounded(count: int) -> str:
    for unit, size in _UNITS.items():
        if count >= 10 * size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,d}"


def _change(before: int, after: int) -> str:
    return f"{(after - before) / before:+.1%}" if before else "–"


def _floor(change: float | None) -> str:
    return "–" if change is None else f"{abs(change):.2%}"
