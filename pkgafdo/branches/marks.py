"""Marks that a recorder leaves in a table's metadata for those who want to use it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable

FAULTS: Final = "faults"
"""Under extra: what speaks against using the table, sentences with `; ` between them."""
ACCEPTED: Final = "accepted faults"
"""The same, after the user has said that the table is to be used all the same."""


def mark_faults(table: BranchTable, faults: tuple[str, ...]) -> BranchTable:
    """Return the table with what speaks against using it; as it is where nothing does."""
    if not faults:
        return table
    extra = dict(table.meta.extra) | {FAULTS: "; ".join(faults)}
    return replace(table, meta=replace(table.meta, extra=extra))


def accept_faults(table: BranchTable) -> BranchTable:
    """Return the table as one that the user wants to use, whatever speaks against it."""
    extra = dict(table.meta.extra)
    if FAULTS in extra:
        extra[ACCEPTED] = extra.pop(FAULTS)
        # The workload is what a profile's provenance takes over.
        extra["workload"] = f"{extra.get('workload', '')} (although: {extra[ACCEPTED]})".strip()
    return replace(table, meta=replace(table.meta, extra=extra))


def require_unmarked(table: BranchTable, origin: str) -> None:
    """Raise ArtifactError when a recorder has marked the table as not to be used."""
    faults = table.meta.extra.get(FAULTS)
    if faults:
        raise ArtifactError(
            f"{origin} is marked as not to be used",
            details="\n".join(faults.split("; ")),
            hint="Record again; or have `pkgafdo branches read --allow-failed` make a table of it that "
            "is not marked.",
        )
