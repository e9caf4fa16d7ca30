"""How a plan shows where the kernel comes from."""

from __future__ import annotations

import pytest

from pkgafdo.pipeline.stage import Inputs
from pkgafdo.workflows.kernel_stages import source_stage
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session

GIT = "https://example.org/linux.git"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"location": GIT, "branch": "v7.2"}, f"# the kernel source: {GIT}, branch v7.2"),
        ({"location": GIT}, f"# the kernel source: {GIT}"),
        ({}, "# the kernel source: auto"),
    ],
)
def test_a_plan_names_the_source_and_its_branch(tmp_path, source, line) -> None:
    stage = source_stage(make_session(tmp_path, FakeRunner(), source=source))
    assert stage.preview is not None
    assert stage.preview(Inputs(needs=(), entries={}, planned=True)) == (line,)
