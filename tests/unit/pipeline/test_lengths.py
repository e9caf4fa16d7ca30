"""How long a stage took before."""

from __future__ import annotations

from pkgafdo.pipeline.entry import Entry
from pkgafdo.pipeline.lengths import seconds_before


def entry(stage: str, seconds: float, day: int = 1) -> Entry:
    return Entry(
        stage=stage, recipe={}, inputs={}, files={}, facts={}, commands=(), seconds=seconds,
        started=f"2026-01-{day:02d}T00:00:00+00:00", version="1",
    )  # fmt: skip


def entries(*those: Entry) -> dict[str, Entry]:
    return {one.stage: one for one in those}


def test_a_stages_own_last_run_counts_most() -> None:
    known = entries(entry("build-baseline", 500), entry("build-optimised", 600, day=2))
    assert seconds_before("build-baseline", known) == 500


def test_without_one_the_newest_of_its_kind_counts() -> None:
    known = entries(entry("build-baseline", 500), entry("build-optimised", 600, day=2))
    assert seconds_before("build-propeller", known) == 600


def test_the_same_suite_is_of_a_kind_and_another_is_not() -> None:
    known = entries(
        entry("measure-train-baseline", 20), entry("measure-heldout-baseline", 7, day=2)
    )
    assert seconds_before("measure-train-optimised", known) == 20


def test_the_first_recording_is_of_the_kind_of_later_ones() -> None:
    assert seconds_before("record-optimised", entries(entry("record", 19))) == 19


def test_nothing_is_known_of_a_stage_that_stands_alone() -> None:
    assert seconds_before("convert", entries(entry("record", 19))) is None
    assert seconds_before("convert", {}) is None
