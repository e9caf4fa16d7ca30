"""The workloads of a run on this machine."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.perf.settings import RecordSettings
from pkgafdo.workflows.host_workloads import require_end


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
