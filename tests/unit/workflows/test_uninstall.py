"""Removing what runs installed, and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.pacman.remove import remove_command
from pkgafdo.runner.command import Result, shell
from pkgafdo.workflows import uninstall, waiting
from pkgafdo.workflows.installed_record import (
    InstalledKernel,
    read_record,
    remember,
    write_record,
)
from pkgafdo.workflows.uninstall import Machine, plan_removal
from pkgafdo.workflows.waiting import Waiting
from tests.fakes.runner import FakeRunner
from tests.unit.host import machines
from tests.unit.pacman.local_db import FakeRoot

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("linux-pkgafdo-base", "linux-pkgafdo-base-headers")
VERSION = "7.2.13_pkgafdo_base-1"


def kernel(workdir: Path | str = "/w", **changes: Any) -> InstalledKernel:
    values: dict[str, Any] = {
        "pkgbase": "linux-pkgafdo-base",
        "release": "7.2.13-pkgafdo-base",
        "packages": dict.fromkeys(NAMES, VERSION),
        "workdir": str(workdir),
    }
    return InstalledKernel(**(values | changes))


def machine(running: str = "7.2.1-arch1-1", **versions: str) -> Machine:
    return Machine(
        running=running, versions={name.replace("_", "-"): one for name, one in versions.items()}
    )


ALL = {"linux_pkgafdo_base": VERSION, "linux_pkgafdo_base_headers": VERSION, "bash": "5-1"}


def test_what_we_installed_is_removed() -> None:
    removal = plan_removal(kernel(), machine(**ALL))
    assert removal.packages == NAMES
    assert removal.gone


def test_the_running_kernel_is_never_removed() -> None:
    removal = plan_removal(kernel(), machine("7.2.13-pkgafdo-base", **ALL))
    assert removal.packages == ()
    assert "boot another kernel" in removal.kept
    assert not removal.gone


def test_a_package_of_another_version_is_somebody_elses() -> None:
    removal = plan_removal(kernel(), machine(**(ALL | {"linux_pkgafdo_base": "8.0-1"})))
    assert removal.packages == ("linux-pkgafdo-base-headers",)
    assert "linux-pkgafdo-base 8.0-1" in removal.kept


def test_what_is_gone_already_is_only_forgotten() -> None:
    removal = plan_removal(kernel(), machine("7.2.13-pkgafdo-base", bash="5-1"))
    assert (removal.packages, removal.kept) == ((), "")
    assert "nothing of it is installed" in uninstall.describe(removal)


def test_only_the_work_folders_own_kernels_are_chosen(tmp_path: Path) -> None:
    one, other = kernel(tmp_path), kernel("/elsewhere", release="x")
    assert uninstall.chosen((one, other), tmp_path) == (one,)
    assert uninstall.chosen((one, other), None) == (one, other)


def test_the_record_holds_one_kernel_of_each_release(tmp_path: Path) -> None:
    path = tmp_path / "state/installed.json"
    remember(path, kernel())
    remember(path, kernel(release="other"))
    remember(path, kernel(packages={"linux-pkgafdo-base": "2"}))
    assert [one.release for one in read_record(path)] == ["other", "7.2.13-pkgafdo-base"]
    assert read_record(path)[1].packages == {"linux-pkgafdo-base": "2"}
    write_record(path, ())
    assert not path.exists()
    assert read_record(path) == ()


@pytest.mark.parametrize("text", ["", "{", "[3]", '[{"pkgbase": "x"}]'])
def test_a_damaged_record_removes_nothing(tmp_path: Path, text: str) -> None:
    path = machines.write(tmp_path, "installed.json", text)
    assert read_record(path) == ()


def test_a_removal_takes_back_the_one_shot_boot_and_the_record(tmp_path: Path) -> None:
    record = tmp_path / "state/installed.json"
    workdir = tmp_path / "work"
    workdir.mkdir()
    remember(record, kernel(workdir))
    waiting.write_waiting(
        workdir,
        Waiting(
            release="7.2.13-pkgafdo-base", build_id="ab", pkgbase="linux-pkgafdo-base",
            boot="b", entry="linux-pkgafdo-base.conf", loader="systemd-boot", sentence="s",
        ),
    )  # fmt: skip
    machines.announce(tmp_path, "systemd-boot 257", features=machines.ONE_SHOT)
    system = FakeRoot(tmp_path)
    for name in NAMES:
        system.add(name, base="linux-pkgafdo-base", version=VERSION)
    done = Result(returncode=0)
    runner = system.runner()
    runner.answers |= {"-R": done, "bootctl": done}
    removals = uninstall.plan_removals(
        runner, read_record(record), running="7.2.1-arch1-1", root=tmp_path
    )
    uninstall.remove(runner, removals, record, root=tmp_path)
    assert [command.argv[:2] for command in runner.ran] == [
        ("bootctl", "set-oneshot"),
        ("pacman", "-R"),
    ]
    assert runner.ran[1].argv[-2:] == NAMES
    assert not record.exists()
    assert waiting.read_waiting(workdir) is None


def test_without_a_record_pacman_is_not_even_asked(tmp_path: Path) -> None:
    assert uninstall.plan_removals(FakeRunner(), (), running="x", root=tmp_path) == ()


def test_the_systems_own_root_needs_no_options() -> None:
    assert shell(remove_command(["a", "b"])) == (
        "sudo pacman -R --noconfirm --noprogressbar -- a b"
    )


def test_a_removal_is_plain_data() -> None:
    removal = plan_removal(kernel(), machine(**ALL))
    assert json.loads(json.dumps(asdict(removal)))["packages"] == list(NAMES)
