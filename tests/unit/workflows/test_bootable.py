"""What must hold before a run that reboots begins."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest

from pkgafdo import log
from pkgafdo.config.load import build_config
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.kernel.configure import RunningKernel
from pkgafdo.workflows.bootable import pinned, require_bootable
from tests.unit.host import machines

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.config.model import Config


def config(**sections) -> Config:
    return build_config(sections, origin="the test")


INSTALLS = config(install={"system": True})


def test_secure_boot_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    machines.secure_boot(tmp_path, on=True)
    with pytest.raises(HostError, match="nobody signed will not boot") as refusal:
        require_bootable(INSTALLS, tmp_path, reboots=True, filesystem=tmp_path)
    assert "sbctl" in refusal.value.hint
    assert "install.signed=true" in refusal.value.hint


def test_secure_boot_is_a_warning_for_a_run_that_does_not_boot(tmp_path: Path, monkeypatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(log, "_terminal", log.Terminal(stream=said))
    machines.secure_boot(tmp_path, on=True)
    require_bootable(INSTALLS, tmp_path, reboots=False, filesystem=tmp_path)
    assert "Secure Boot is on" in said.getvalue()


@pytest.mark.parametrize("wanted", [config(), config(install={"system": True, "signed": True})])
def test_who_signs_or_installs_nothing_is_not_bothered(tmp_path: Path, wanted: Config) -> None:
    machines.secure_boot(tmp_path, on=True)
    require_bootable(wanted, tmp_path, reboots=True, filesystem=tmp_path)


def test_a_work_folder_in_memory_would_not_survive_the_reboot(tmp_path: Path) -> None:
    line = f"40 24 0:33 / {tmp_path} rw - tmpfs tmpfs rw\n"
    machines.write(tmp_path, "proc/self/mountinfo", line)
    with pytest.raises(ConfigError, match="lies in memory"):
        require_bootable(INSTALLS, tmp_path / "work", reboots=True, filesystem=tmp_path)
    require_bootable(INSTALLS, tmp_path / "work", reboots=False, filesystem=tmp_path)


def running(folder: Path, text: str) -> RunningKernel:
    path = folder / "config.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return RunningKernel(release="x", proc_config=path, boot=folder, modules=folder)


def test_the_running_configuration_is_kept_over_the_reboot(tmp_path: Path) -> None:
    wanted = config(kernel={"base": "running"})
    before = running(tmp_path, "CONFIG_OLD=y\n")
    assert pinned(wanted, before, tmp_path, write=False) == wanted
    once = pinned(wanted, before, tmp_path, write=True)
    after = running(tmp_path, "CONFIG_NEW=y\n")
    assert pinned(wanted, after, tmp_path, write=True) == once
    assert pinned(wanted, after, tmp_path, write=False) == once
    assert (tmp_path / "running.config").read_text() == "CONFIG_OLD=y\n"
    assert once.kernel.base == str(tmp_path / "running.config")


def test_another_base_is_left_alone(tmp_path: Path) -> None:
    wanted = config(kernel={"base": "defconfig"})
    assert pinned(wanted, running(tmp_path, "CONFIG_A=y\n"), tmp_path, write=True) == wanted
    assert not (tmp_path / "running.config").exists()
