"""The reboot in the middle of a run."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.errors import CommandError, WaitingError
from pkgafdo.pipeline.stage import Inputs, Produced, Stage
from pkgafdo.runner.command import Result
from pkgafdo.workflows import reboot, waiting
from pkgafdo.workflows.boot_gate import boot_gate, gate_needs
from pkgafdo.workflows.rounds import Round
from tests.unit.host import machines
from tests.unit.workflows import sessions
from tests.unit.workflows.sessions import BUILT, OTHER, RELEASE, SessionRunner, boot, install

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = {"id": "linux-pkgafdo-base.conf", "linux": "/vmlinuz-linux-pkgafdo-base"}


class Desk:
    """A machine, the runner on it, and a run whose recording needs the baseline kernel."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        done = Result(returncode=0)
        listed = Result(returncode=0, stdout=json.dumps([ENTRY]))
        self.runner = SessionRunner(
            answers={"list": listed, "bootctl": done, "sync": done, "systemctl": done}
        )
        self.session = sessions.make_session(folder, self.runner)
        self.slept: list[float] = []
        self.recorded = 0
        boot(self.root, OTHER)
        install(self.root)
        machines.announce(self.root, "systemd-boot 257", features=machines.ONE_SHOT)

    @property
    def workdir(self) -> Path:
        return self.session.workdir.path

    def stages(self) -> tuple[Stage, ...]:
        facts = {"release": RELEASE, "build_id": BUILT}

        def record(_: Inputs) -> Produced:
            self.recorded += 1
            return Produced()

        return (
            Stage(
                name="install-baseline",
                title="install",
                recipe={},
                run=lambda _: Produced(facts=facts),
            ),
            Stage(
                name="record",
                title="record",
                recipe={},
                needs=gate_needs(Round.BASELINE),
                run=record,
                gate=boot_gate(Round.BASELINE, filesystem=self.root),
            ),
        )

    def run(self, *, restart: bool = False) -> str:
        """Run until the wait; returns its sentence."""
        with pytest.raises(WaitingError) as waited:
            self.finish(restart=restart)
        assert waited.value.exit_code == 6
        assert "same command again" in waited.value.hint
        return waited.value.message

    def finish(self, *, restart: bool = False) -> None:
        """Run to the end."""
        reboot.run_or_wait(
            self.session,
            self.stages(),
            reboot=restart,
            filesystem=self.root,
            sleep=self.slept.append,
        )

    @property
    def commands(self) -> list[str]:
        return [" ".join(command.argv) for command in self.runner.ran]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_with_the_built_kernel_running_the_run_goes_to_its_end(desk: Desk) -> None:
    boot(desk.root, BUILT)
    desk.finish()
    assert desk.recorded == 1
    assert desk.commands == []


def test_another_kernel_stops_the_run_with_a_one_shot_entry_and_one_sentence(desk: Desk) -> None:
    sentence = desk.run()
    assert desk.recorded == 0
    assert desk.commands == ["bootctl set-oneshot linux-pkgafdo-base.conf", "sync"]
    assert RELEASE in sentence
    assert "reboot now; systemd-boot 257 boots it once (entry linux-pkgafdo-base.conf)" in sentence
    assert sentence.endswith(f", and after that {desk.session.host.release} again")
    assert "\n" not in sentence


def test_the_sentence_promises_the_old_kernel_only_where_it_is_the_default(desk: Desk) -> None:
    others = [
        {"id": "linux.conf", "linux": "/vmlinuz-linux", "isSelected": True},
        {"id": "lts.conf", "title": "LTS", "linux": "/vmlinuz-linux-lts", "isDefault": True},
    ]
    desk.runner.answers["list"] = Result(returncode=0, stdout=json.dumps([ENTRY, *others]))
    assert desk.run().endswith(", and after that the default, “LTS”")


def test_after_the_boot_the_same_command_goes_on_and_nothing_waits_any_more(desk: Desk) -> None:
    desk.run()
    assert waiting.read_waiting(desk.workdir) is not None
    boot(desk.root, BUILT, boot_id="boot-2")
    desk.finish()
    assert desk.recorded == 1
    assert waiting.read_waiting(desk.workdir) is None


def test_another_kernel_after_the_boot_is_named_and_the_one_shot_set_again(desk: Desk) -> None:
    desk.run()
    boot(desk.root, OTHER, boot_id="boot-2")
    sentence = desk.run()
    assert "although systemd-boot 257 was told to boot the other once" in sentence
    assert desk.commands.count("bootctl set-oneshot linux-pkgafdo-base.conf") == 2
    assert desk.recorded == 0


def test_the_clock_plays_no_part_in_noticing_a_boot(desk: Desk) -> None:
    desk.run()
    sentence = desk.run()  # in the same boot, whenever that is
    assert "although" not in sentence


@pytest.mark.parametrize("seconds", [-10 * 365 * 86_400, 10 * 365 * 86_400])
def test_a_clock_that_jumped_in_the_reboot_repeats_nothing(desk: Desk, seconds: int) -> None:
    """A battery that is empty, or a clock that another system keeps in local time."""
    desk.run()
    before = desk.session.workdir.journal.read()
    for path in desk.workdir.rglob("*"):
        # What was written before the boot is of another time than what is written now.
        os.utime(path, times=(path.stat().st_atime, path.stat().st_mtime + seconds))
    boot(desk.root, BUILT, boot_id="boot-2")
    desk.finish()
    after = desk.session.workdir.journal.read()
    assert after["install-baseline"] == before["install-baseline"]
    assert set(after) == {"install-baseline", "record"}
    assert desk.recorded == 1


def test_a_power_cut_that_left_the_note_empty_changes_nothing(desk: Desk) -> None:
    desk.run()
    (desk.workdir / "waiting.json").write_bytes(b"")
    assert waiting.status_of(desk.workdir, filesystem=desk.root) is None
    assert "reboot now" in desk.run()


def test_a_kernel_that_was_removed_meanwhile_must_be_installed(desk: Desk) -> None:
    install(desk.root).unlink()
    sentence = desk.run()
    assert "linux-pkgafdo-base is not installed; install it (`pacman -U " in sentence
    assert "bootctl" not in " ".join(desk.commands)


def test_without_a_boot_loader_that_is_known_a_person_is_told_how(desk: Desk) -> None:
    for path in (desk.root / "sys/firmware").rglob("Loader*"):
        path.unlink()
    sentence = desk.run()
    assert "no one-shot boot was set (no boot loader that we know)" in sentence
    assert "choose the kernel in the boot menu" in sentence


def test_reboot_restarts_after_a_countdown(desk: Desk) -> None:
    desk.run(restart=True)
    assert desk.slept == [1] * reboot.COUNTDOWN
    assert desk.commands[-2:] == ["sync", "systemctl reboot"]


def test_without_a_one_shot_nothing_restarts_by_itself(desk: Desk) -> None:
    install(desk.root).unlink()
    desk.run(restart=True)
    assert desk.slept == []
    assert "systemctl reboot" not in desk.commands


def test_an_interrupted_countdown_does_not_reboot(desk: Desk) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reboot.run_or_wait(
            desk.session, desk.stages(), reboot=True, filesystem=desk.root, sleep=interrupt
        )
    assert "systemctl reboot" not in desk.commands
    assert waiting.read_waiting(desk.workdir) is not None


def test_a_wait_for_something_else_is_passed_on(desk: Desk) -> None:
    stage = Stage(
        name="fetch", title="fetch", recipe={}, run=lambda _: Produced(), gate=lambda _: "bring it"
    )
    with pytest.raises(WaitingError, match="bring it"):
        reboot.run_or_wait(desk.session, (stage,), filesystem=desk.root)
    assert desk.commands == []


def test_a_failing_stage_is_no_wait(desk: Desk) -> None:
    def fail(_: Inputs) -> Produced:
        raise CommandError("make failed")

    stage = Stage(name="build", title="build", recipe={}, run=fail)
    with pytest.raises(CommandError):
        reboot.run_or_wait(desk.session, (stage,), filesystem=desk.root)


def test_work_before_the_boot_does_not_end_the_wait(desk: Desk) -> None:
    desk.run()
    reboot.run_or_wait(desk.session, desk.stages()[:1], filesystem=desk.root)
    assert waiting.read_waiting(desk.workdir) is not None


def test_status_follows_the_machine_through_the_boot(desk: Desk) -> None:
    assert waiting.status_of(desk.workdir, filesystem=desk.root) is None
    desk.run()

    def status() -> dict[str, Any]:
        found = waiting.status_of(desk.workdir, filesystem=desk.root)
        assert found is not None
        return dict(found)

    assert status()["sentence"].startswith("waiting for you: ")
    assert not status()["ready"]
    boot(desk.root, OTHER, boot_id="boot-2")
    assert "since the run stopped the machine was booted, but" in status()["sentence"]
    boot(desk.root, BUILT, boot_id="boot-3")
    assert status()["ready"]
    assert "runs, as expected" in status()["sentence"]
