"""What a stage sees of the stages before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.files import sha256_json
from pkgafdo.pipeline.stage import Inputs, Produced, Stage
from tests.unit.pipeline.stages import entry, file_record

BUILD = entry(
    "build", files={"image": file_record(Path("/w/image"), "ab" * 32)}, facts={"release": "7.2"}
)


def inputs(*needs: str, planned: bool = False) -> Inputs:
    return Inputs(needs=needs, entries={"build": BUILD}, planned=planned)


def test_a_declared_file_and_a_declared_fact_are_found() -> None:
    found = inputs("build.image", "build.release")
    assert found.file("build.image") == Path("/w/image")
    assert found.fact("build.release") == "7.2"


def test_files_and_facts_are_known_by_digest() -> None:
    assert inputs("build.image", "build.release").digests() == {
        "build.image": "ab" * 32,
        "build.release": sha256_json("7.2"),
    }


@pytest.mark.parametrize("planned", [False, True])
def test_an_undeclared_need_is_a_key_error_in_a_plan_too(planned: bool) -> None:
    """Otherwise a change of it would go unseen."""
    found = inputs("build.release", planned=planned)
    with pytest.raises(KeyError, match=r"build\.image is used but not declared"):
        found.file("build.image")
    with pytest.raises(KeyError, match=r"other\.x is used but not declared"):
        found.fact("other.x")


def test_what_does_not_exist_yet_has_a_placeholder_in_a_plan_only() -> None:
    planned = inputs("record.table", planned=True)
    assert planned.file("record.table") == Path("‹record.table›")
    assert planned.fact("record.table") == "‹record.table›"
    assert planned.digests() == {"record.table": ""}
    with pytest.raises(KeyError):
        inputs("record.table").file("record.table")


def test_upstream_names_each_stage_once_in_order() -> None:
    stage = Stage(
        name="x",
        title="x",
        recipe={},
        needs=("b.one", "a.one", "b.two"),
        run=lambda _: Produced(),
    )
    assert stage.upstream == ("b", "a")
