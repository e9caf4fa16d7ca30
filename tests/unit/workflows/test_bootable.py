"""What must hold before a run that reboots begins."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo import log
from pkgafdo.config.load import build_config
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.kernel.configure import RunningKernel
from pkgafdo.workflows.bootable import pinned, require_bootable, require_real_kernel
from tests.unit.host import machines
from tests.unit.host.test_doctor import FACTS

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts


def config(**sections) -> Config:
    return build_config(sections, origin="the test")


INSTALLS = config(install={"system": True})


def require(
    wanted: Config, root: Path, *, reboots: bool, workdir: str = "", host: HostFacts = FACTS
) -> None:
    require_bootable(wanted, host, root / workdir, reboots=reboots, filesystem=root)


BY_HAND = config(record={"road": "host"})
"""Its user installs the kernel that is to be recorded."""


@pytest.mark.parametrize("wanted", [INSTALLS, BY_HAND])
def test_secure_boot_is_refused_before_anything_is_built(tmp_path: Path, wanted: Config) -> None:
    machines.secure_boot(tmp_path, on=True)
    with pytest.raises(HostError, match="nobody signed will not boot") as refusal:
        require(wanted, tmp_path, reboots=True)
    assert "sbctl" in refusal.value.hint
    assert "install.signed=true" in refusal.value.hint


def test_secure_boot_is_a_warning_for_a_run_that_does_not_boot(tmp_path: Path, monkeypatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(log, "_terminal", log.Terminal(stream=said))
    machines.secure_boot(tmp_path, on=True)
    require(INSTALLS, tmp_path, reboots=False)
    assert "Secure Boot is on" in said.getvalue()


@pytest.mark.parametrize(
    ("wanted", "reboots"),
    [(config(), False), (config(install={"system": True, "signed": True}), True)],
)
def test_who_signs_or_installs_nothing_is_not_bothered(
    tmp_path: Path, wanted: Config, *, reboots: bool, monkeypatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(log, "_terminal", log.Terminal(stream=said))
    machines.secure_boot(tmp_path, on=True)
    require(wanted, tmp_path, reboots=reboots)
    assert said.getvalue() == ""


@pytest.mark.parametrize("wanted", [INSTALLS, BY_HAND])
def test_a_work_folder_in_memory_would_not_survive_the_reboot(
    tmp_path: Path, wanted: Config
) -> None:
    line = f"40 24 0:33 / {tmp_path} rw - tmpfs tmpfs rw\n"
    machines.write(tmp_path, "proc/self/mountinfo", line)
    with pytest.raises(ConfigError, match="lies in memory"):
        require(wanted, tmp_path, workdir="work", reboots=True)
    require(wanted, tmp_path, workdir="work", reboots=False)


def test_no_kernel_is_installed_into_a_system_that_is_not_pacman_s(tmp_path: Path) -> None:
    debian = replace(FACTS, pacman_managed=False)
    with pytest.raises(HostError, match="pacman does not manage this system") as refusal:
        require(INSTALLS, tmp_path, reboots=False, host=debian)
    assert "install.system=false" in refusal.value.hint
    require(config(), tmp_path, reboots=False, host=debian)


@pytest.mark.parametrize(
    "sections", [{"record": {"road": "host"}}, {"install": {"system": True}}], ids=str
)
def test_a_kernel_for_the_vm_is_neither_installed_nor_booted_here(
    sections: dict[str, dict[str, Any]],
) -> None:
    with pytest.raises(ConfigError, match="needs a kernel of real machines") as refusal:
        require_real_kernel(config(**sections))
    assert refusal.value.details.startswith("kernel.base=small makes a kernel for the VM")
    assert '"running"' in refusal.value.hint
    require_real_kernel(config(**sections, kernel={"base": "running"}))
    require_real_kernel(config(**sections, package={"route": "pkgbuild", "folder": "/x"}))
    require_real_kernel(config())


def test_a_profile_that_is_brought_boots_nothing_here() -> None:
    require_real_kernel(config(record={"road": "host"}, profile={"file": "/x.afdo"}))


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
