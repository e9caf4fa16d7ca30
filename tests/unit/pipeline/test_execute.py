"""Carrying out stages: what is redone, what is not, and what is remembered."""

from __future__ import annotations

import pytest

from pkgafdo import files
from pkgafdo.errors import CommandError, WaitingError
from pkgafdo.pipeline.stage import Inputs, Produced
from tests.unit.pipeline.stages import Kitchen


@pytest.fixture
def kitchen(tmp_path) -> Kitchen:
    return Kitchen(tmp_path)


def test_all_stages_run_once_in_order_and_pass_on_what_they_made(kitchen) -> None:
    entries = kitchen.execute()
    assert kitchen.ran == ["grind", "brew"]
    assert list(entries) == ["grind", "brew"]
    assert (kitchen.folder / "cup").read_text() == "powder\n20"
    assert entries["brew"].inputs == {
        "grind.powder": files.sha256_file(kitchen.folder / "powder"),
        "grind.grams": files.sha256_json(20),
    }


def test_a_second_execution_does_nothing(kitchen) -> None:
    first = kitchen.execute()
    second = kitchen.execute()
    assert kitchen.ran == []
    assert {name: entry.files for name, entry in second.items()} == {
        name: entry.files for name, entry in first.items()
    }


def test_a_changed_recipe_redoes_its_stage_and_no_more_when_the_outcome_is_the_same(
    kitchen,
) -> None:
    """Early cut-off: `grind` writes the same powder however coarse, so `brew` need not run."""
    kitchen.execute()
    kitchen.coarse = True
    kitchen.execute()
    assert kitchen.ran == ["grind"]


def test_a_changed_input_redoes_what_uses_it(kitchen) -> None:
    kitchen.execute()
    kitchen.execute(needs=("grind.powder", "grind.grams", "grind.coarse"))
    assert kitchen.ran == ["brew"]
    kitchen.coarse = True
    kitchen.execute(needs=("grind.powder", "grind.grams", "grind.coarse"))
    assert kitchen.ran == ["grind", "brew"]


@pytest.mark.parametrize("lost", ["powder", "cup"])
def test_a_lost_output_is_made_again(kitchen, lost: str) -> None:
    kitchen.execute()
    (kitchen.folder / lost).unlink()
    kitchen.execute()
    assert kitchen.ran == [{"powder": "grind", "cup": "brew"}[lost]]
    assert (kitchen.folder / lost).exists()


def test_a_tampered_output_is_made_again(kitchen) -> None:
    kitchen.execute()
    (kitchen.folder / "powder").write_text("sawdust")
    kitchen.execute()
    assert kitchen.ran == ["grind"]
    assert (kitchen.folder / "powder").read_text() == "powder\n"


def test_deleting_a_journal_entry_redoes_that_stage(kitchen) -> None:
    kitchen.execute()
    (kitchen.journal.folder / "brew.json").unlink()
    kitchen.execute()
    assert kitchen.ran == ["brew"]


def test_a_corrupt_journal_entry_redoes_that_stage_alone(kitchen) -> None:
    kitchen.execute()
    (kitchen.journal.folder / "grind.json").write_text("{")
    kitchen.execute()
    assert kitchen.ran == ["grind"]
    kitchen.execute()
    assert kitchen.ran == []


@pytest.mark.parametrize("failure", [KeyboardInterrupt, CommandError("make failed")])
def test_what_was_finished_before_a_failure_is_not_done_again(kitchen, failure) -> None:
    def fail(_: Inputs) -> Produced:
        raise failure

    with pytest.raises(type(failure) if isinstance(failure, Exception) else failure):
        kitchen.execute(run=fail)
    assert list(kitchen.journal.read()) == ["grind"]
    kitchen.execute()
    assert kitchen.ran == ["brew"]


def test_a_stage_that_fails_anew_forgets_its_earlier_success(kitchen) -> None:
    """Its files may be half-written now."""

    def fail(_: Inputs) -> Produced:
        raise KeyboardInterrupt

    kitchen.execute()
    with pytest.raises(KeyboardInterrupt) as interruption:
        kitchen.execute(run=fail, recipe={"hot": False})
    assert interruption.value.__notes__ == ["the same command goes on from here"]
    assert list(kitchen.journal.read()) == ["grind"]


def test_an_error_says_which_stage_it_came_from(kitchen) -> None:
    def fail(_: Inputs) -> Produced:
        raise CommandError("kettle failed")

    with pytest.raises(CommandError) as caught:
        kitchen.execute(run=fail)
    assert caught.value.__notes__ == ["while: brew the coffee"]


def test_an_undeclared_need_fails_before_anything_is_remembered(kitchen) -> None:
    def peek(inputs: Inputs) -> Produced:
        return Produced(facts={"x": inputs.fact("grind.coarse")})

    with pytest.raises(KeyError, match="not declared"):
        kitchen.execute(run=peek)
    assert list(kitchen.journal.read()) == ["grind"]


def test_each_entry_keeps_the_commands_of_its_own_stage(kitchen) -> None:
    kitchen.commands.append("left over from a look at the host")
    entries = kitchen.execute()
    assert entries["grind"].commands == ("grind --coarse=False",)
    assert entries["brew"].commands == ()


def test_entries_say_when_how_long_and_by_which_version(kitchen) -> None:
    made = kitchen.execute()["grind"]
    assert made.version == "0.1.0"
    assert 0 <= made.seconds < 60
    assert made.started.endswith("+00:00")
    assert len(made.began) == len("2026-01-01T00:00:00+00:00")


def test_stages_that_follow_each_other_within_a_second_are_told_apart(kitchen) -> None:
    made = kitchen.execute()
    assert made["grind"].started < made["brew"].started


def test_a_gate_stops_before_its_stage_and_the_same_call_goes_on_later(kitchen) -> None:
    with pytest.raises(WaitingError, match="Boot the new kernel"):
        kitchen.execute(gate=lambda _: "Boot the new kernel.")
    assert kitchen.ran == ["grind"]
    kitchen.execute(gate=lambda _: None)
    assert kitchen.ran == ["brew"]


def test_a_gate_does_not_stop_what_is_done_already(kitchen) -> None:
    kitchen.execute()
    kitchen.execute(gate=lambda _: "Boot the new kernel.")
    assert kitchen.ran == []


def test_a_promised_file_that_is_not_there_is_not_remembered(kitchen) -> None:
    def lie(_: Inputs) -> Produced:
        return Produced(files={"cup": kitchen.folder / "imaginary"})

    with pytest.raises(Exception, match="should have been made"):
        kitchen.execute(run=lie)
    assert list(kitchen.journal.read()) == ["grind"]
