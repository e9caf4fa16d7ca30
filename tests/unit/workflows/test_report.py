"""The report of a run, gathered from its journal and files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo import files
from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.pipeline.workdir import KIND, Workdir
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.report.data import build_report
from pkgafdo.workflows.profiles import Workbench
from pkgafdo.workflows.report import facts_of, render_report, report_workdir, write_report
from pkgafdo.workflows.report_facts import stage_title
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.entries import finished

FOLDER = Path("/w")
BENCH = Workbench(
    runner=FakeRunner(),
    toolchain=Toolchain(
        make_value="1", version=(19, 1, 7), tools={"llvm-profdata": "/usr/bin/llvm-profdata"}
    ),
    settings=ProfileSettings(),
    cache=Path("/c"),
)


def test_a_finished_run_is_compared_and_every_stage_told() -> None:
    entries = finished(FOLDER)
    report = build_report(facts_of(FOLDER, entries, BENCH))
    assert report["title"] == "Linux 7.2.13"
    assert [kernel["name"] for kernel in report["kernels"]] == ["baseline", "optimised"]
    suites = {suite["part"]: suite for suite in report["measure"]["suites"]}
    branches = next(m for m in suites["train"]["metrics"] if m["metric"] == "taken_branches")
    assert [row["count"] for row in branches["kernels"]] == [2000, 1140]
    assert {row["stage"] for row in report["timeline"]} == entries.keys()
    assert json.loads(json.dumps(report)) == report


def test_files_that_are_gone_become_notes_not_failures() -> None:
    report = build_report(facts_of(FOLDER, finished(FOLDER), BENCH))
    assert any("profile cannot be looked into" in note for note in report["notes"])
    assert report["profile"]["functions"] == 1234
    assert any("No recording" in line for line in report["missing"])


@pytest.mark.parametrize("count", range(1, 14))
@pytest.mark.parametrize("form", ["markdown", "json"])
def test_a_run_that_was_stopped_anywhere_has_a_report(count: int, form: str) -> None:
    entries = dict(list(finished(FOLDER).items())[:count])
    assert render_report(build_report(facts_of(FOLDER, entries, BENCH)), form)


def test_stages_of_another_version_are_named() -> None:
    entries = finished(FOLDER)
    entries["record"] = replace(entries["record"], version="0.0.9")
    notes = build_report(facts_of(FOLDER, entries, BENCH))["notes"]
    assert any("0.0.9" in note and "record" in note for note in notes)


def test_a_damaged_recording_is_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings/train.parquet").write_bytes(b"PAR1 no more")
    notes = facts_of(tmp_path, finished(tmp_path), BENCH).notes
    assert any("train.parquet" in note and "left out" in note for note in notes)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run"):
        report_workdir(tmp_path / "nothing", BENCH)


def test_a_run_with_nothing_finished_is_refused(tmp_path: Path) -> None:
    files.mark_folder(tmp_path / "w", KIND)
    with pytest.raises(ArtifactError, match="nothing of the run"):
        report_workdir(tmp_path / "w", BENCH)


def test_the_report_is_read_from_the_journal_in_the_work_folder(tmp_path: Path, capsys) -> None:
    files.mark_folder(tmp_path / "w", KIND)
    folder = tmp_path / "w"
    for entry in finished(folder).values():
        Workdir(path=folder).journal.write(entry)
    report = report_workdir(folder, BENCH)
    write_report(report, tmp_path / "r.json", "json")
    assert json.loads((tmp_path / "r.json").read_text()) == report
    assert "r.json" not in capsys.readouterr().err  # the verb prints the path, once


def test_a_folder_in_the_reports_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.html").mkdir()
    report = build_report(facts_of(FOLDER, finished(FOLDER), BENCH))
    with pytest.raises(ConfigError, match="cannot be written"):
        write_report(report, tmp_path / "r.html", "json")


def test_stages_are_told_in_words() -> None:
    assert stage_title("build-baseline") == "build the baseline kernel"
    assert stage_title("measure-heldout-propeller") == "count the propeller kernel on “heldout”"
    assert stage_title("record-optimised") == "record branches (optimised)"
    assert stage_title("source") == "get the kernel source"
    assert stage_title("unheard-of") == "unheard-of"
