"""Deciding what each stage has to do, and why."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pkgafdo.files import sha256_json
from pkgafdo.pipeline.plan import Verdict, decide, plan, preview, recipe_change
from pkgafdo.pipeline.stage import Inputs, Produced, Stage
from tests.unit.pipeline.stages import entry, file_record


def stage(name: str, *needs: str, **options: Any) -> Stage:
    def run(_: Inputs) -> Produced:
        raise AssertionError("a plan runs nothing")

    values: dict[str, Any] = {"name": name, "title": f"do {name}", "recipe": {}, "needs": needs}
    return Stage(**(values | {"run": run} | options))


STAGES = (stage("a", recipe={"x": 1}), stage("b", "a.file"), stage("c", "b.fact"), stage("d"))
ENTRIES = {
    "a": entry("a", recipe={"x": 1}, files={"file": file_record(Path("/w/f"), "d1")}),
    "b": entry("b", inputs={"a.file": "d1"}, facts={"fact": 5}),
    "c": entry("c", inputs={"b.fact": sha256_json(5)}),
    "d": entry("d"),
}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({"period": 500009}, {"period": 400009}, "period changed: 500009 → 400009"),
        ({"vm": {"cpu": "max"}}, {"vm": {"cpu": "qemu64"}}, "vm.cpu changed: max → qemu64"),
        ({}, {"lto": "thin"}, "lto changed: absent → thin"),
        ({"lto": "thin"}, {}, "lto changed: thin → absent"),
        ({"on": True}, {"on": False}, "on changed: true → false"),
        ({"n": 1}, {"n": "1"}, "n changed: 1 → 1"),
        ({"l": ["a"]}, {"l": ["a", "b"]}, 'l changed: ["a"] → ["a", "b"]'),
        ({"s": "x" * 50}, {"s": "y"}, f"s changed: {'x' * 37}… → y"),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, "a changed: 1 → 2"),
        ({"f": {"a": 1}}, {"f": 1}, "f changed: absent → 1"),
    ],
)  # fmt: skip
def test_a_changed_recipe_says_what_was_and_what_is(old, new, sentence) -> None:
    assert recipe_change(old, new) == sentence


@pytest.mark.parametrize(
    ("old", "new"),
    [({"a": [1, 2]}, {"a": (1, 2)}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({}, {})],
)
def test_recipes_that_are_alike_in_json_are_no_change(old, new) -> None:
    assert recipe_change(old, new) is None


def test_a_stage_that_was_never_done_runs() -> None:
    decision = decide(STAGES[0], None, {})
    assert (decision.verdict, decision.reason) == (Verdict.RUN, "not done yet")
    assert (decision.stage, decision.title) == ("a", "do a")


def test_a_stage_whose_recipe_changed_runs() -> None:
    decision = decide(STAGES[0], entry("a", recipe={"x": 2}), {})
    assert (decision.verdict, decision.reason) == (Verdict.RUN, "x changed: 2 → 1")


@pytest.mark.parametrize("inputs", [{"a.file": "d2"}, {"a.file": "d1", "a.more": "x"}, {}])
def test_a_stage_with_other_inputs_runs(inputs) -> None:
    decision = decide(STAGES[1], ENTRIES["b"], inputs)
    assert decision.verdict is Verdict.RUN
    assert "is different now" in decision.reason


def test_a_stage_whose_output_was_changed_runs() -> None:
    decision = decide(STAGES[3], ENTRIES["d"], {}, ["image is missing", "x was changed"])
    assert (decision.verdict, decision.reason) == (Verdict.RUN, "image is missing")


def test_a_stage_that_still_holds_is_reused_and_says_so() -> None:
    decision = decide(STAGES[3], ENTRIES["d"], {})
    assert decision.verdict is Verdict.REUSE
    assert decision.reason == "done in 3 s, nothing it depends on has changed"


def test_a_plan_without_a_journal_runs_everything() -> None:
    assert [(one.verdict, one.reason) for one in plan(STAGES, {})] == [
        (Verdict.RUN, "not done yet")
    ] * 4


def test_a_plan_of_a_finished_run_reuses_everything() -> None:
    assert {one.verdict for one in plan(STAGES, ENTRIES)} == {Verdict.REUSE}


def test_a_plan_expects_all_that_follows_a_changed_stage_to_run() -> None:
    changed = (stage("a", recipe={"x": 2}), *STAGES[1:])
    assert [(one.verdict.value, one.reason) for one in plan(changed, ENTRIES)] == [
        ("run", "x changed: 1 → 2"),
        ("run", "a runs first"),
        ("run", "b runs first"),
        ("reuse", "done in 3 s, nothing it depends on has changed"),
    ]


def test_a_forgotten_stage_makes_those_behind_it_run() -> None:
    without = {name: one for name, one in ENTRIES.items() if name != "b"}
    assert [one.verdict.value for one in plan(STAGES, without)] == ["reuse", "run", "run", "reuse"]


def test_planning_touches_no_disk(monkeypatch) -> None:
    def refuse(*args, **kwargs) -> NoReturn:
        raise AssertionError(f"planning reached for the disk: {args!r}")

    for place, name in (
        (builtins, "open"), (os, "stat"), (os, "listdir"), (os, "scandir"), (os, "mkdir"),
        (os, "open"), (Path, "open"), (Path, "stat"), (Path, "mkdir"), (Path, "exists"),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, refuse)
    fresh, resumed = preview(STAGES, {}), preview(STAGES, ENTRIES)
    monkeypatch.undo()
    assert len(fresh[0]) == len(resumed[0]) == 4


def test_a_preview_shows_the_commands_of_what_would_run_only() -> None:
    def show(inputs: Inputs) -> tuple[str, ...]:
        return (f"use {inputs.file('a.file')}",)

    stages = (STAGES[0], stage("b", "a.file", preview=show), stage("e"))
    decisions, commands = preview(stages, {"a": ENTRIES["a"]})
    assert [one.verdict.value for one in decisions] == ["reuse", "run", "run"]
    assert commands == {"a": (), "b": ("use /w/f",), "e": ()}
    _, commands = preview(stages, {})
    assert commands["b"] == ("use ‹a.file›",)
    _, commands = preview(stages, ENTRIES)
    assert commands["b"] == ()


def test_a_preview_uses_facts_that_a_stage_foretells_while_it_has_not_run() -> None:
    def show(inputs: Inputs) -> tuple[str, ...]:
        return (f"make {inputs.fact('b.fact')} {inputs.fact('b.other')}",)

    told = stage("b", "a.file", foretell=lambda: {"fact": 7})
    stages = (STAGES[0], told, stage("c", "b.fact", "b.other", preview=show, recipe={"new": 1}))
    assert preview(stages, {"a": ENTRIES["a"]})[1]["c"] == ("make 7 ‹b.other›",)
    done = entry("b", inputs={"a.file": "d1"}, facts={"fact": 5, "other": 6})
    assert preview(stages, ENTRIES | {"b": done})[1]["c"] == ("make 5 6",)


GATED = stage("e", "a.file", gate=lambda inputs: f"bring {inputs.digest('a.file')}")


def test_a_stage_behind_a_closed_gate_waits_and_says_for_what() -> None:
    (_, decision) = plan((STAGES[0], GATED), ENTRIES)
    assert (decision.verdict, decision.reason) == (Verdict.WAIT, "bring d1")


def test_an_open_gate_holds_nothing_back() -> None:
    (_, decision) = plan((STAGES[0], stage("e", "a.file", gate=lambda _: None)), ENTRIES)
    assert decision.verdict is Verdict.RUN


def test_a_gate_is_not_asked_before_what_it_looks_at_exists() -> None:
    def fail(_: Inputs) -> str:
        raise AssertionError("asked too early")

    decisions = plan((STAGES[0], stage("e", "a.file", gate=fail)), {})
    assert [one.verdict for one in decisions] == [Verdict.RUN, Verdict.RUN]


def test_a_finished_stage_is_reused_whatever_its_gate_says() -> None:
    finished = ENTRIES | {"e": entry("e", inputs={"a.file": "d1"})}
    (_, decision) = plan((STAGES[0], GATED), finished)
    assert decision.verdict is Verdict.REUSE


def test_what_follows_a_waiting_stage_runs_after_it() -> None:
    stages = (STAGES[0], GATED, stage("f", "e.file"))
    decisions = plan(stages, ENTRIES | {"f": entry("f", inputs={"e.file": "x"})})
    assert [one.verdict for one in decisions] == [Verdict.REUSE, Verdict.WAIT, Verdict.RUN]
