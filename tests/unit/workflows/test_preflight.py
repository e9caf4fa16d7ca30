"""What is looked at before a run begins, and by the plans of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo import log
from pkgafdo.errors import ArtifactError, ConfigError, PkgafdoError
from pkgafdo.pipeline.plan import preview
from pkgafdo.workflows.adopt_stage import adopt_stage
from pkgafdo.workflows.preflight import require_given_files
from pkgafdo.workflows.source_stage import source_stage
from tests.fakes.kernel_tree import make_tree
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("sections", "error", "said"),
    [
        ({"kernel": {"base": "/nonexistent/.config"}}, ConfigError, "/nonexistent/.config cannot"),
        ({"kernel": {"fragments": ["virtm"]}}, ConfigError, "virtm cannot be read"),
        ({"profile": {"file": "/nonexistent.afdo"}}, ArtifactError, "There is no profile"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, sections: dict[str, Any], error: type[PkgafdoError], said: str
) -> None:
    session = make_session(tmp_path, FakeRunner(), **sections)
    tools = session.toolchain.tools | {"llvm-profdata": "/usr/bin/llvm-profdata"}
    session = replace(session, toolchain=replace(session.toolchain, tools=tools))
    with pytest.raises(error, match=said):
        require_given_files(session, [adopt_stage(session)])


def test_a_profile_that_a_verb_does_not_reach_is_not_read(tmp_path: Path) -> None:
    session = make_session(tmp_path, FakeRunner(), profile={"file": "/nonexistent.afdo"})
    require_given_files(session, [])


def test_a_plan_refuses_full_lto_where_the_tree_is_here(tmp_path: Path) -> None:
    source = {"location": str(make_tree(tmp_path / "linux"))}
    session = make_session(tmp_path, FakeRunner(), source=source, kernel={"lto": "full"})
    with pytest.raises(ConfigError, match="“full” does not get the profile"):
        preview([source_stage(session)], {})


@pytest.mark.parametrize(("lto", "warned"), [("full", True), ("thin", False)])
def test_a_plan_warns_of_full_lto_where_the_tree_is_not_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lto: str, warned: bool
) -> None:
    log.use(log.Terminal())
    source = {"location": "https://example.org/linux.txz", "sha256": "ab" * 32}
    session = make_session(tmp_path, FakeRunner(), source=source, kernel={"lto": lto})
    preview([source_stage(session)], {})
    assert ("only the kernel source tells" in capsys.readouterr().err) is warned
