"""Going through a plan of boots by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, HostError, WaitingError
from pkgafdo.host import systemd
from pkgafdo.host.bench_environment import read_boot
from pkgafdo.measure.plan import write_plan
from pkgafdo.measure.records import Record, write_record
from pkgafdo.runner.command import Result
from pkgafdo.workflows.host_measures import Order, record_path
from pkgafdo.workflows.plan_boots import require_unattended, take_turns, unit_text
from tests.fakes.runner import Answer, FakeRunner
from tests.unit.host import machines
from tests.unit.measure.records import boot

ENTRY = {"id": "other.conf", "linux": "/vmlinuz-other", "isDefault": True}
ORDER = Order(command="true", repeats=1)


class Desk:
    """A machine with a boot loader, and a plan."""

    def __init__(self, folder: Path, *sequence: str) -> None:
        self.root, self.plan = folder / "root", folder / "plan.json"
        done = Result(returncode=0, seconds=1.0)
        listed = Result(returncode=0, stdout=json.dumps([ENTRY]))
        names = ("bootctl", "sync", "systemctl", "true")
        answers: dict[str, Answer] = {"list": listed, **dict.fromkeys(names, done)}
        self.runner = FakeRunner(answers=answers)
        self.slept: list[float] = []
        write_plan(self.plan, sequence)
        machines.announce(self.root, "systemd-boot 257", features=machines.ONE_SHOT)
        self.boots("mine", "1")

    def boots(self, release: str, boot_id: str) -> None:
        machines.write(self.root, "proc/sys/kernel/osrelease", f"{release}\n")
        machines.write(self.root, "proc/sys/kernel/random/boot_id", f"{boot_id}\n")

    def turn(self, *, reboot: bool = True) -> dict[str, object]:
        return take_turns(
            self.runner,
            ORDER,
            self.plan,
            reboot=reboot,
            filesystem=self.root,
            sleep=self.slept.append,
        )

    @property
    def commands(self) -> list[str]:
        return [" ".join(command.argv) for command in self.runner.ran]


REBOOTED = ["bootctl set-oneshot other.conf", "sync", "systemctl reboot"]


def test_after_its_turn_the_next_kernel_is_booted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, read_boot()[1], "other")
    with pytest.raises(WaitingError, match="reboots into other"):
        desk.turn()
    assert desk.commands == ["true", *REBOOTED]
    assert len(desk.slept) == 10


def test_out_of_turn_the_kernel_whose_turn_it_is_is_booted(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "other")
    with pytest.raises(WaitingError, match="turn of other"):
        desk.turn(reboot=False)
    assert desk.commands == []
    with pytest.raises(WaitingError, match="reboots into other"):
        desk.turn()
    assert desk.commands == REBOOTED


def test_a_kernel_that_does_not_come_up_is_not_booted_for_ever(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "other")
    with pytest.raises(WaitingError):
        desk.turn()
    desk.boots("mine", "2")
    with pytest.raises(HostError, match="other was to be booted once, and mine came up"):
        desk.turn()
    assert desk.commands == REBOOTED


def test_a_kernel_that_came_up_and_was_left_again_is_booted_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "other")
    with pytest.raises(WaitingError, match="reboots into other"):
        desk.turn()
    desk.boots("other", "2")
    with pytest.raises(WaitingError, match="turn of other"):
        desk.turn(reboot=False)
    desk.boots("mine", "3")
    with pytest.raises(WaitingError, match="reboots into other"):
        desk.turn()
    assert desk.commands == REBOOTED * 2


def test_without_an_entry_nothing_reboots(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "third")
    with pytest.raises(HostError, match="no one-shot boot was set"):
        desk.turn()
    assert desk.commands == []
    assert not list(tmp_path.glob("*.boot"))


def test_at_the_end_nothing_is_awaited(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "other")
    with pytest.raises(WaitingError):
        desk.turn()
    one = Record(pkgafdo="0", boots=(boot(1, "other", {"own": (1.0,)}),))
    write_record(record_path(tmp_path, "other"), one)
    assert desk.turn()["next"] is None
    assert not list(tmp_path.glob("*.boot"))


def test_a_damaged_note_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "other")
    (tmp_path / "plan.json.boot").write_text("{")
    with pytest.raises(ArtifactError, match="is damaged"):
        desk.turn()
    assert desk.commands == []


def test_a_plan_goes_on_by_itself_where_root_can_be_had_without_a_password() -> None:
    require_unattended(FakeRunner(), ())
    runner = FakeRunner(answers={"sudo": Result(returncode=0)})
    require_unattended(runner, ("sudo", "--"))
    # A password that was typed a moment ago is forgotten after the reboot.
    assert [command.argv for command in runner.queried] == [("sudo", "-k", "-n", "true")]


@pytest.mark.parametrize(
    ("root", "why"), [(None, "no sudo"), (("sudo", "--"), "sudo asks"), (("run0",), "run0 asks")]
)
def test_without_root_a_plan_does_not_go_on_by_itself(root, why: str) -> None:
    refused = Result(returncode=1)
    with pytest.raises(HostError, match="cannot go on by itself") as caught:
        require_unattended(FakeRunner(answers={"sudo": refused, "run0": refused}), root)
    assert why in caught.value.details
    assert "as root" in caught.value.hint


def test_the_unit_gives_the_whole_command_again_once_the_machine_has_settled() -> None:
    text = unit_text(
        systemd.system_manager(Path("/")),
        program=("/usr/bin/python", "-m", "pkgafdo"),
        arguments=("measure", "host", "--plan", "p.json", "--reboot", "--go-on"),
        folder=Path("/root"),
        plan=Path("/root/p.json"),
        path="/usr/bin",
    )
    assert "pkgafdo measure host --plan p.json --reboot --go-on\n" in text
    assert "ExecStartPre=/bin/sleep 60\n" in text
    assert "ConditionPathExists=/root/p.json\n" in text
    assert "WantedBy=multi-user.target\n" in text
    assert "Nice" not in text
