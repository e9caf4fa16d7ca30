"""The unit that goes on after the reboot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host import systemd
from pkgafdo.host.facts import folders_of
from pkgafdo.runner.command import Result
from pkgafdo.workflows import resume
from tests.fakes.runner import FakeRunner
from tests.unit.host.test_doctor import FACTS

WORK = Path("/home/ada/my work")


def text(manager: systemd.Manager, *arguments: str) -> str:
    return resume.unit_text(
        manager,
        program=("/usr/bin/python", "-m", "pkgafdo"),
        arguments=arguments,
        folder=Path("/home/ada"),
        workdir=WORK,
        path="/usr/bin",
    )


def test_the_same_command_is_given_again_but_never_reboots_by_itself() -> None:
    manager = systemd.user_manager(Path("/c"))
    unit = text(manager, "run", "--reboot", "--go-on", "--workdir", "my work")
    assert 'ExecStart=/usr/bin/python -m pkgafdo run --go-on --workdir "my work"\n' in unit
    assert "--reboot" not in unit.partition("[Service]")[2]
    assert "WorkingDirectory=/home/ada\n" in unit
    assert "ConditionPathExists=/home/ada/my work/waiting.json\n" in unit
    assert 'status --notify --workdir "/home/ada/my work"\n' in unit
    assert "WantedBy=default.target" in unit
    assert "SuccessExitStatus=6" in unit


def test_root_goes_on_at_boot_and_a_user_at_login() -> None:
    assert resume.manager_of(replace(FACTS, euid=0), filesystem=Path("/r")).folder == Path(
        "/r/etc/systemd/system"
    )
    home = replace(FACTS, folders=folders_of({}, home="/home/ada"))
    manager = resume.manager_of(home)
    assert manager.user
    assert resume.unit_path(manager, WORK).parent == Path("/home/ada/.config/systemd/user")
    assert resume.unit_path(manager, WORK) != resume.unit_path(manager, Path("/other"))


def test_the_unit_is_enabled_and_removed_in_the_end(tmp_path: Path) -> None:
    runner = FakeRunner(answers={"systemctl": Result(returncode=0)})
    manager = systemd.user_manager(tmp_path)
    path = resume.unit_path(manager, WORK)
    resume.install_unit(runner, manager, path, text(manager, "run"))
    assert path.is_file()
    assert [one.argv[2] for one in runner.ran] == ["daemon-reload", "enable"]
    resume.remove_unit(runner, manager, path)
    assert not path.exists()
    assert runner.ran[-1].argv == ("systemctl", "--user", "disable", path.name)
    resume.remove_unit(runner, manager, path)
    assert len(runner.ran) == 3


def test_without_systemd_nothing_stays_and_the_next_move_is_said(tmp_path: Path) -> None:
    manager = systemd.user_manager(tmp_path)
    path = resume.unit_path(manager, WORK)
    with pytest.raises(HostError, match="does not take a unit") as refusal:
        resume.install_unit(FakeRunner(missing={"systemctl"}), manager, path, "x")
    assert "same command again" in refusal.value.hint
    assert not path.exists()


def test_a_desktop_without_notifications_is_no_fault(capsys) -> None:
    resume.notify(FakeRunner(missing={"notify-send"}), "done")
    runner = FakeRunner(answers={"notify-send": Result(returncode=1)})
    resume.notify(runner, "-x")
    assert runner.ran[0].argv == ("notify-send", "--app-name=pkgafdo", "--", "pkgafdo", "-x")
