"""Measurements of this machine in a run's folder: compared where they are of the run's kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pkgafdo.measure.records import Record, write_record
from pkgafdo.workflows.report_machine import FOLDER, machine_of
from tests.unit.measure.records import record

if TYPE_CHECKING:
    from pathlib import Path

KERNELS = [
    {"name": "baseline", "release": "7.2.13-base"},
    {"name": "optimised", "release": "7.2.13-afdo"},
    {"name": "propeller", "release": "7.2.13"},
]


def measured(folder: Path, *records: Record) -> tuple[dict[str, object], list[str]]:
    """Return what a report says of these measurements, and its notes."""
    for number, one in enumerate(records):
        write_record(folder / FOLDER / f"{number}.json", one)
    notes: list[str] = []
    found = machine_of(folder, KERNELS, notes)
    return dict(found), notes


def test_every_measured_kernel_is_compared_with_the_baseline(tmp_path: Path) -> None:
    found, notes = measured(
        tmp_path, record("7.2.13", level=9.0), record("7.2.13-afdo"), record("7.2.13-base")
    )
    assert list(found) == ["optimised", "propeller"]
    assert notes == []


def test_a_run_that_was_never_measured_says_nothing_of_it(tmp_path: Path) -> None:
    assert measured(tmp_path) == ({}, [])


def test_half_a_comparison_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    found, notes = measured(tmp_path / "a", record("7.2.13-base"))
    assert (found, len(notes)) == ({}, 1)
    assert "only the baseline" in notes[0]
    found, notes = measured(tmp_path / "b", record("7.2.13-afdo"))
    assert found == {}
    assert "the baseline was not" in notes[0]


def test_a_foreign_kernel_a_damaged_file_and_the_plan_are_no_measurements(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "plan.json").write_text("{}")
    (folder / "bad.json").write_text("{")
    found, notes = measured(tmp_path, record("6.1.0"), record("7.2.13-base"), record("7.2.13"))
    assert list(found) == ["propeller"]
    assert len(notes) == 2
    assert any("6.1.0: that is no kernel of this run" in note for note in notes)
    assert any("bad.json is not a measurement" in note for note in notes)


def test_another_machines_measurements_are_named_and_not_compared(tmp_path: Path) -> None:
    found, notes = measured(tmp_path, record("7.2.13-base"), record("7.2.13", cpu="Xeon"))
    assert found == {}
    assert "different machines (cpu: Ryzen 9 → Xeon)" in notes[0]


def test_a_kernel_measured_into_two_files_is_taken_once(tmp_path: Path) -> None:
    base = record("7.2.13-base")
    found, notes = measured(tmp_path, base, replace(base, pkgafdo="0.2"), record("7.2.13"))
    assert list(found) == ["propeller"]
    assert "once more" in notes[0]
