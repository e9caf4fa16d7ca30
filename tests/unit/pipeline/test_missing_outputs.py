"""Journals of another version of pkgafdo."""

from __future__ import annotations

from pkgafdo.pipeline.entry import Entry
from pkgafdo.pipeline.plan import Verdict, missing_outputs, plan
from pkgafdo.pipeline.stage import Produced, Stage


def entry(stage: str, **facts: object) -> Entry:
    return Entry(
        stage=stage, recipe={}, inputs={}, files={}, facts=facts,
        commands=(), seconds=1.0, started="2026-01-01T00:00:00+00:00", version="0",
    )  # fmt: skip


def stage(name: str, *needs: str) -> Stage:
    return Stage(name=name, title=name, recipe={}, needs=needs, run=lambda _: Produced())


def test_an_entry_without_an_output_that_is_needed_now_runs_again_and_says_so() -> None:
    stages = [stage("a"), stage("b", "a.new")]
    (first, second) = plan(stages, {"a": entry("a", old=1), "b": entry("b")})
    assert (first.verdict, first.reason) == (Verdict.RUN, "its journal entry does not tell new")
    assert second.verdict is Verdict.RUN


def test_an_entry_with_every_needed_output_serves() -> None:
    assert missing_outputs(entry("a", new=1), [stage("b", "a.new")]) == []
