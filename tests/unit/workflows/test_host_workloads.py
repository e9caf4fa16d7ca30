"""The workloads of a run on this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.perf.settings import RecordSettings
from pkgafdo.workflows.host_workloads import require_end, require_workloads
from tests.unit.workflows.sessions import SessionRunner, make_session

if TYPE_CHECKING:
    from pathlib import Path


def test_a_recording_that_only_ctrl_c_ends_is_refused_where_nobody_presses_it() -> None:
    with pytest.raises(ConfigError, match="with no end") as refusal:
        require_end(RecordSettings(road="host", workloads=()))
    assert "--set record.seconds=3600" in refusal.value.hint


@pytest.mark.parametrize(
    "settings",
    [
        RecordSettings(road="vm", workloads=()),
        RecordSettings(road="host"),
        RecordSettings(road="host", workloads=(), command="make"),
        RecordSettings(road="host", workloads=(), seconds=60),
    ],
)
def test_a_recording_that_ends_by_itself_is_none_of_these(settings: RecordSettings) -> None:
    require_end(settings)


def require_kernel_build(folder: Path, route: Literal["pacman-pkg", "pkgbuild"]) -> None:
    session = make_session(folder, SessionRunner(), record={"workloads": ["kernel-build"]})
    package = replace(session.config.package, route=route, folder=str(folder))
    require_workloads(session.runner, replace(session.config, package=package))


def test_a_run_from_a_pkgbuild_has_no_tree_to_build(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="kernel-build has no kernel tree") as refusal:
        require_kernel_build(tmp_path, "pkgbuild")
    assert "record.package" in refusal.value.hint
    require_kernel_build(tmp_path, "pacman-pkg")
