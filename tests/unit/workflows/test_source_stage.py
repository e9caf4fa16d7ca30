"""How a plan shows where the kernel comes from, and what makes it another."""

from __future__ import annotations

import pytest

from pkgafdo.pipeline.plan import recipe_change
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.workflows.source_stage import source_stage
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


def test_a_tarball_that_was_replaced_is_another_source(tmp_path) -> None:
    path = tmp_path / "linux.tar.gz"
    path.write_bytes(b"one")
    session = make_session(tmp_path, FakeRunner(), source={"location": str(path)})
    first = source_stage(session).recipe
    assert source_stage(session).recipe == first
    path.write_bytes(b"another")
    change = recipe_change(first, source_stage(session).recipe)
    assert change is not None
    assert change.startswith("digest changed: ")
