"""What `measure host` found of a run's kernels, for the run's report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.measure.records import read_record
from pkgafdo.measure.sides import compare_records
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pkgafdo.measure.records import Record

FOLDER: Final = "measurements"
"""Where in a work folder measurements of this machine lie."""
_PLAN: Final = "plan.json"


def machine_of(
    workdir: Path, kernels: Sequence[Mapping[str, Any]], notes: list[str]
) -> dict[str, dict[str, Any]]:
    """Return kernel → its comparison with the baseline; why one is left out becomes a note."""
    releases = {kernel["release"]: kernel["name"] for kernel in kernels}
    records = _records(workdir / FOLDER, releases, notes)
    before = records.pop(Round.BASELINE.value, None)
    if before is None:
        notes += [
            f"The {name} kernel was measured on this machine and the baseline was not."
            for name in records
        ]
        return {}
    if not records:
        notes.append("Of this run’s kernels only the baseline was measured on this machine.")
    found = {}
    for name in (name for name in releases.values() if name in records):
        try:
            found[name] = compare_records(before, records[name])
        except ArtifactError as error:
            notes.append(
                f"Time of the {name} kernel is not compared: {error.message} "
                f"({error.details.replace(chr(10), '; ')})."
            )
    return found


def _records(folder: Path, releases: Mapping[str, str], notes: list[str]) -> dict[str, Record]:
    """Return the measurements of the run's kernels by their names."""
    records: dict[str, Record] = {}
    for path in sorted(folder.glob("*.json")):
        if path.name == _PLAN:
            continue
        try:
            record = read_record(path)
        except ArtifactError as error:
            notes.append(f"{error.message}; it is left out.")
            continue
        names = {releases.get(kernel) for kernel in record.kernels}
        name = names.pop() if len(names) == 1 else None
        if name is None:
            notes.append(
                f"{path.name} measures {', '.join(record.kernels) or 'nothing'}: that is no kernel of "
                "this run, and it is left out."
            )
        elif name in records:
            notes.append(f"{path.name} measures the {name} kernel once more, and is left out.")
        else:
            records[name] = record
    return records
