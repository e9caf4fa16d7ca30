"""The shipped workload suites, and the user's own."""

from __future__ import annotations

import re

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.vm.settings import WorkloadSettings
from pkgafdo.vm.suites import HELDOUT, SUITES, TRAIN, origin_of, require_suite, suite_of

BUSYBOX_ALONE = {"busybox"}


def test_the_two_shipped_suites_are_found_by_name() -> None:
    assert require_suite("train") is TRAIN
    assert suite_of(WorkloadSettings(suite="heldout")) is HELDOUT


def test_an_unknown_suite_is_refused_with_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="no workload suite “trian”") as caught:
        suite_of(WorkloadSettings(suite="trian"))
    assert "train, heldout" in caught.value.hint


def test_a_command_of_ones_own_may_tell_its_operations() -> None:
    (step,) = suite_of(WorkloadSettings(command="b -n 90", operations=90, unit="query")).steps
    assert (step.operations, step.unit) == (90, "query")
    (step,) = suite_of(WorkloadSettings(command="b")).steps
    assert (step.operations, step.unit) == (0, "")


def test_a_command_of_ones_own_is_a_suite_of_one_step() -> None:
    own = suite_of(WorkloadSettings(command="make -C /src", files=("/usr/bin/make",)))
    assert (own.name, own.files) == ("own", ("/usr/bin/make",))
    assert [(step.name, step.script) for step in own.steps] == [("command", "make -C /src")]


def test_a_recording_keeps_which_steps_ran_and_a_command_of_ones_own() -> None:
    one, other = (suite_of(WorkloadSettings(command=command)) for command in ("ls /", "ls /usr"))
    assert origin_of(one)["workload-command"] == "ls /"
    assert origin_of(one)["suite"] != origin_of(other)["suite"]
    assert origin_of(TRAIN).keys() == {"workload", "suite"}


def test_training_and_held_out_share_no_program() -> None:
    assert set(TRAIN.files).isdisjoint(HELDOUT.files)


@pytest.mark.parametrize("name", SUITES)
def test_steps_have_names_of_their_own_and_fit_the_windows(name: str) -> None:
    steps = SUITES[name].steps
    assert len({step.name for step in steps}) == len(steps) < 256
    for step in steps:
        assert step.script
        assert bool(step.operations) == bool(step.unit)


def test_stress_steps_count_the_operations_that_they_ask_for() -> None:
    for step in TRAIN.steps:
        asked = [int(ops) for ops in re.findall(r"-ops (\d+)", step.script)]
        if asked:
            assert step.operations == sum(asked), step.name


def test_the_work_is_seeded_and_bounded() -> None:
    """Under -icount the same kernel must execute the same instructions in every run."""
    for step in (*TRAIN.steps, *HELDOUT.steps):
        if "stress-ng" in step.script:
            assert "--seed" in step.script, step.name
            stressors = re.findall(r"--([a-z-]+) 1(?: |$)", step.script)
            assert stressors
            for stressor in stressors:
                assert f"--{stressor}-ops " in step.script, step.name
        assert "random" not in step.script


def test_a_shell_step_keeps_its_quotes() -> None:
    """The script of `bash -c '…'` must not hold the quote that ends it."""
    for step in TRAIN.steps:
        if "bash -c" in step.script:
            assert step.script.count("'") == 2


def test_git_asks_for_no_pager() -> None:
    """The guest has none, and the pager that a distribution sets need not be there to be started."""
    asking = re.compile(r"\bgit (log|show|diff|branch|tag)\b")
    for step in (*TRAIN.steps, *HELDOUT.steps):
        assert not asking.search(step.script), step.name
