"""Counting a run's kernels again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.workflows.repeat import read_repeats, repeat_counts
from tests.unit.workflows.entries import finished, measured

ENTRIES = finished(Path("/w"))


def stage(name: str, suite: str, *counts: int) -> Stage:
    """Return a counting stage that counts these, run after run."""
    left = list(counts)
    return Stage(
        name=name,
        title=f"count {name}",
        recipe=ENTRIES[name].recipe,
        run=lambda inputs: Produced(facts=measured(name, suite, left.pop(0)).facts),
    )


def test_equal_counts_are_kept_as_such(tmp_path: Path) -> None:
    stages = [stage("measure-train-baseline", "train", 1000, 1000)]
    data = repeat_counts(stages, ENTRIES, 2, tmp_path)
    assert data["rows"][0]["equal"]
    assert data["rows"][0]["runs"] == 3
    assert read_repeats(tmp_path, ENTRIES) == data["says"]
    assert "agreed to the last digit" in data["says"]


def test_another_count_is_told(tmp_path: Path) -> None:
    stages = [stage("measure-train-baseline", "train", 1001)]
    data = repeat_counts(stages, ENTRIES, 1, tmp_path)
    assert not data["rows"][0]["equal"]
    assert "did NOT agree" in read_repeats(tmp_path, ENTRIES)


def test_nothing_counted_yet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no kernel"):
        repeat_counts([stage("measure-train-baseline", "train")], {}, 1, tmp_path)


def test_other_settings_than_the_counts_are_refused(tmp_path: Path) -> None:
    other = replace(stage("measure-train-baseline", "train"), recipe={"vm": {"memory": 1}})
    with pytest.raises(ArtifactError, match="counted differently"):
        repeat_counts([other], ENTRIES, 1, tmp_path)


def test_what_was_repeated_for_other_kernels_is_not_told_of_these(tmp_path: Path) -> None:
    name = "measure-train-baseline"
    old = ENTRIES | {name: replace(ENTRIES[name], inputs={"install-baseline.image": "older"})}
    repeat_counts([stage(name, "train", 1000)], old, 1, tmp_path)
    assert read_repeats(tmp_path, old)
    assert read_repeats(tmp_path, ENTRIES) == ""


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"rows": [{}], "says": 1}'])
def test_a_damaged_file_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "repeats.json").write_text(text)
    assert read_repeats(tmp_path, ENTRIES) == ""
