"""The background sampling: units, quota, status."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host import systemd
from pkgafdo.profile.provenance import provenance_path
from pkgafdo.runner.command import Result
from pkgafdo.workflows import service, service_units
from pkgafdo.workflows.service import Last
from pkgafdo.workflows.service_units import Sampling
from tests.fakes.runner import FakeRunner

SAMPLING = Sampling(
    user="ada",
    command=("/usr/bin/python", "-m", "pkgafdo", "record", "service", "sample"),
    state=Path("/home/ada/.local/state/pkgafdo/profiles"),
    every="4h",
    seconds=60,
)


def profile(state: Path, name: str, size: int = 1000, *, provenance: bool = True) -> Path:
    path = state / "7.2.13-pkgafdo" / f"{name}.afdo"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    if provenance:
        provenance_path(path).write_bytes(b"{}")
    return path


def test_the_service_is_quiet_and_has_no_more_rights_than_perf_needs() -> None:
    text = service_units.service_text(SAMPLING)
    for line in (
        "User=ada",
        "ConditionACPower=true",
        "Nice=10",
        "AmbientCapabilities=CAP_PERFMON CAP_SYSLOG",
        "CapabilityBoundingSet=CAP_PERFMON CAP_SYSLOG",
        "ReadWritePaths=/home/ada/.local/state/pkgafdo/profiles",
        "ExecStart=/usr/bin/python -m pkgafdo record service sample",
    ):
        assert f"\n{line}\n" in text


def test_the_timer_is_random() -> None:
    text = service_units.timer_text(SAMPLING)
    assert "OnUnitInactiveSec=4h\nRandomizedDelaySec=4h\n" in text
    assert "WantedBy=timers.target" in text


def test_units_are_judged_by_systemd_before_they_are_started(tmp_path: Path) -> None:
    done = Result(returncode=0)
    runner = FakeRunner(
        answers={"tee": done, "systemctl": done, "systemd-analyze": done, "rm": done}
    )
    manager = systemd.system_manager(tmp_path)
    service_units.install_units(runner, manager, SAMPLING)
    assert [one.argv[0] for one in runner.ran] == ["tee", "tee", "systemctl", "systemctl"]
    assert runner.ran[-1].argv[1:] == ("enable", "--now", "pkgafdo-sample.timer")
    assert [one.argv[0] for one in runner.queried] == ["systemd-analyze"]


def test_units_that_systemd_refuses_are_taken_away_again(tmp_path: Path) -> None:
    runner = FakeRunner(
        answers={
            "tee": Result(returncode=0),
            "rm": Result(returncode=0),
            "systemd-analyze": Result(returncode=1, stderr="Failed to parse span"),
        }
    )
    manager = systemd.system_manager(tmp_path)
    with pytest.raises(HostError, match="does not take the timer") as refusal:
        service_units.install_units(runner, manager, SAMPLING)
    assert "Failed to parse span" in refusal.value.details
    assert runner.ran[-1].argv[:3] == ("rm", "-f", "--")


def test_what_systemd_would_only_ignore_is_refused(tmp_path: Path) -> None:
    done = Result(returncode=0)
    said = (
        "/etc/x.timer: of somebody else\n/etc/pkgafdo-sample.timer:7: Failed to parse timer value"
    )
    runner = FakeRunner(
        answers={"tee": done, "rm": done, "systemd-analyze": Result(returncode=0, stderr=said)}
    )
    with pytest.raises(HostError, match="does not take the timer") as refusal:
        service_units.install_units(runner, systemd.system_manager(tmp_path), SAMPLING)
    assert "Failed to parse timer value" in refusal.value.details
    assert "somebody else" not in refusal.value.details
    assert "--every" in refusal.value.hint
    assert runner.ran[-1].argv[:3] == ("rm", "-f", "--")


def test_removing_stops_the_timer_and_does_nothing_without_one(tmp_path: Path) -> None:
    done = Result(returncode=0)
    runner = FakeRunner(answers={"systemctl": done, "rm": done})
    manager = systemd.system_manager(tmp_path)
    assert not service_units.remove_units(runner, manager)
    assert runner.ran == []
    for path in service_units.unit_paths(manager):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert service_units.remove_units(runner, manager)
    assert [one.argv[1] for one in runner.ran] == ["disable", "-f", "daemon-reload"]


def test_the_oldest_profiles_go_first_and_the_newest_stays(tmp_path: Path) -> None:
    old, middle, new = (profile(tmp_path, name) for name in ("20260101", "20260102", "20260103"))
    assert service.enforce_quota(tmp_path, 10_000) == ()
    assert service.enforce_quota(tmp_path, 2100) == (old,)
    assert not provenance_path(old).exists()
    assert service.enforce_quota(tmp_path, 1) == (middle,)
    assert new.is_file()


def test_a_profile_without_provenance_is_no_profile(tmp_path: Path) -> None:
    profile(tmp_path, "20260101", provenance=False)
    assert service.kept_profiles(tmp_path) == ()


def test_the_status_counts_by_kernel_and_shows_how_to_merge(tmp_path: Path) -> None:
    profile(tmp_path, "20260101")
    profile(tmp_path, "20260102")
    service.write_last(tmp_path, Last(when="2026-01-02T00:00:00+00:00", kept=True, sentence="ok"))
    status = service.status_of(tmp_path, installed=True)
    assert status["profiles"] == {"7.2.13-pkgafdo": 2}
    text = service.render_status(status)
    assert "the timer is installed" in text
    assert "last: 2026-01-02T00:00:00+00:00: ok" in text
    assert f"pkgafdo profile merge {tmp_path}/7.2.13-pkgafdo/*.afdo" in text


@pytest.mark.parametrize("content", [None, "", "[]", '{"when": 1}'])
def test_a_damaged_note_of_the_last_sampling_is_no_fault(tmp_path: Path, content) -> None:
    if content is not None:
        (tmp_path / "last.json").write_text(content)
    assert service.read_last(tmp_path) is None
    assert "not installed" in service.render_status(service.status_of(tmp_path, installed=False))
