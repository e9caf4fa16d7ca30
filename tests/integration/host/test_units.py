"""The units that we write, judged by systemd itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

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


def test_a_time_span_that_is_none_is_found_out(runner: LocalRunner, tmp_path: Path) -> None:
    timer = tmp_path / "pkgafdo-sample.timer"
    sampling = Sampling(user="root", command=("/bin/true",), state=tmp_path, every="often",
                        seconds=60)  # fmt: skip
    (tmp_path / "pkgafdo-sample.service").write_text(service_units.service_text(sampling))
    timer.write_text(service_units.timer_text(sampling), encoding="utf-8")
    with pytest.raises(AssertionError, match="often"):
        judge(runner, timer)


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
