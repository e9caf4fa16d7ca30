"""Modules of the guest: what the baseline kernel loads, the kernels after it must load."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.workflows.profile_stages import record_stage, require_modules
from pkgafdo.workflows.rounds import Round
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session


def test_a_module_that_no_longer_loads_is_an_error_that_names_it() -> None:
    with pytest.raises(ArtifactError, match="the propeller kernel does not load all") as caught:
        require_modules(["ext4", "brd", "jbd2"], ["ext4"], Round.PROPELLER)
    assert caught.value.details == "Not loaded: brd, jbd2."
    assert caught.value.hint


@pytest.mark.parametrize("before", [[], ["brd"], ["brd", "ext4"]])
def test_a_kernel_with_the_same_modules_or_with_none_before_passes(before) -> None:
    require_modules(before, ["ext4", "brd"], Round.OPTIMISED)


@pytest.mark.parametrize(
    ("settings", "which", "compared"),
    [
        ({}, Round.PROPELLER, True),
        ({}, Round.OPTIMISED, True),
        ({}, Round.BASELINE, False),
        # What this machine loads is not what the guest does; a foreign profile was recorded elsewhere.
        ({"record": {"road": "host"}}, Round.PROPELLER, False),
        ({"profile": {"file": "k.afdo"}}, Round.PROPELLER, False),
    ],
)
def test_modules_are_compared_with_a_baseline_that_ran_in_the_guest_too(
    tmp_path, settings, which, compared
) -> None:
    stage = record_stage(make_session(tmp_path, FakeRunner(), **settings), which)
    assert ("record.modules" in stage.needs) == compared
