"""How long a stage took before, from the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.pipeline.entry import Entry


def seconds_before(stage: str, entries: Mapping[str, Entry]) -> float | None:
    """Return the seconds of a stage's last run, else of the newest stage of its kind, else None.

    Of one kind are stages that differ behind the last hyphen: build-baseline and build-optimised;
    record is of the kind of record-optimised.
    """
    if stage in entries:
        return entries[stage].seconds
    kind = stage.rpartition("-")[0]
    alike = [
        entry for name, entry in entries.items() if kind and kind in {name, name.rpartition("-")[0]}
    ]
    return max(alike, key=lambda entry: entry.started).seconds if alike else None
