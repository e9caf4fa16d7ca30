"""The units that we write, judged by systemd itself."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host import systemd
from pkgafdo.host.facts import read_facts
from pkgafdo.runner.local import LocalRunner
from pkgafdo.workflows import resume, service_units
from pkgafdo.workflows.service_units import Sampling

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture
def runner() -> LocalRunner:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Arch, Debian: systemd)")
    return LocalRunner(env=read_facts().environment)


def judge(runner: LocalRunner, *paths: Path) -> None:
    result = runner.query(service_units.verify_command(paths))
    ours = [line for line in result.stderr.splitlines() if any(p.name in line for p in paths)]
    assert ours == []


@pytest.mark.parametrize("folder", ["plain", "with space", "100% $HOME"])
def test_service_and_timer_pass(runner: LocalRunner, tmp_path: Path, folder: str) -> None:
    sampling = Sampling(
        user="root",
        command=("/usr/bin/env", "pkgafdo", "record", "service", "sample", "--state", folder),
        state=tmp_path / folder,
        every="4h",
        seconds=60,
    )
    service, timer = tmp_path / "pkgafdo-sample.service", tmp_path / "pkgafdo-sample.timer"
    service.write_text(service_units.service_text(sampling), encoding="utf-8")
    timer.write_text(service_units.timer_text(sampling), encoding="utf-8")
    judge(runner, service, timer)


@pytest.fixture
def manager(tmp_path: Path) -> systemd.Manager:
    """A systemd of the system with a folder of its own; systemctl only writes down what it is told."""
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$*" >>"$0.calls"\n', encoding="utf-8")
    program.chmod(0o755)
    made = systemd.system_manager(tmp_path)
    made.folder.mkdir(parents=True)
    return made


def install(runner: LocalRunner, manager: systemd.Manager, folder: Path, every: str) -> str:
    """Install the timer as root does; returns what systemctl was told."""
    path = f"{folder}/bin:{runner.env['PATH']}"
    sampling = Sampling(
        user="root", command=("/usr/bin/env",), state=folder, every=every, seconds=60
    )
    told = folder / "bin/systemctl.calls"
    told.touch()
    service_units.install_units(replace(runner, env={"PATH": path}, root=()), manager, sampling)
    return told.read_text(encoding="utf-8")


@pytest.mark.parametrize("every", ["often", "5 apples", "-3h", ""])
def test_a_time_span_that_is_none_is_refused(
    runner: LocalRunner, manager: systemd.Manager, tmp_path: Path, every: str
) -> None:
    with pytest.raises(HostError, match="does not take the timer") as refusal:
        install(runner, manager, tmp_path, every)
    assert "pkgafdo-sample.timer" in refusal.value.details
    assert list(manager.folder.iterdir()) == []
    assert (tmp_path / "bin/systemctl.calls").read_text() == ""


@pytest.mark.parametrize("every", ["4h", "1h 30min", "1d"])
def test_a_time_span_of_systemd_is_taken(
    runner: LocalRunner, manager: systemd.Manager, tmp_path: Path, every: str
) -> None:
    told = install(runner, manager, tmp_path, every)
    assert told == "daemon-reload\nenable --now pkgafdo-sample.timer\n"
    assert len(list(manager.folder.iterdir())) == 2


@pytest.mark.parametrize("user", [True, False])
def test_the_unit_that_goes_on_passes(runner: LocalRunner, tmp_path: Path, *, user: bool) -> None:
    manager = systemd.user_manager(tmp_path) if user else systemd.system_manager(tmp_path)
    path = tmp_path / "pkgafdo-go-on.service"
    text = resume.unit_text(
        manager,
        program=("/usr/bin/env", "pkgafdo"),
        arguments=("run", "--reboot", "--workdir", "my $work 100%"),
        folder=tmp_path,
        workdir=tmp_path / "my $work 100%",
        path="/usr/bin:/my bin",
    )
    path.write_text(text, encoding="utf-8")
    judge(runner, path)
