"""Small branch tables for tests."""

from __future__ import annotations

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import BranchTable, from_counts

TEXT = 0xFFFFFFFF81000000
"""Where kernels are linked."""

BUILD_ID = bytes(range(20)).hex()


def table_of(
    branches: list[tuple[int, int, int, int]] | None = None,
    ranges: list[tuple[int, int, int]] | None = None,
    meta: TableMeta | None = None,
) -> BranchTable:
    """Return a table of (from, to, count, mispredicted) and (start, end, count) rows."""
    rows = branches or []
    spans = ranges or []
    return from_counts(
        tuple([row[i] for row in rows] for i in range(4)),  # type: ignore[arg-type]
        tuple([span[i] for span in spans] for i in range(3)),  # type: ignore[arg-type]
        meta or TableMeta(build_id=BUILD_ID, link_base=TEXT),
    )


def branch_rows(table: BranchTable) -> list[tuple[int, ...]]:
    """Return the branches as plain rows."""
    return list(zip(*(part.tolist() for part in table.branch_columns), strict=True))


def range_rows(table: BranchTable) -> list[tuple[int, ...]]:
    """Return the ranges as plain rows."""
    return list(zip(*(part.tolist() for part in table.range_columns), strict=True))
