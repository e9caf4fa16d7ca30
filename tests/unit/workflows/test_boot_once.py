"""Booting a kernel once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.boot_loader import BootLoader, Loader, OneShot
from pkgafdo.runner.command import Result
from pkgafdo.workflows import boot_once
from pkgafdo.workflows.boot_once import Armed, Target
from tests.fakes.runner import FakeRunner
from tests.unit.host.test_boot_entries import GRUB

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = Target(
    release="7.2.13-pkgafdo-base",
    pkgbase="linux-pkgafdo-base",
    running_release="7.2.1-arch1-1",
    running_pkgbase="linux",
)
OLD = {"id": "linux.conf", "linux": "/vmlinuz-linux", "isSelected": True}
NEW = {"id": "linux-pkgafdo-base.conf", "linux": "/vmlinuz-linux-pkgafdo-base"}


def loader(oneshot: OneShot, why: str = "") -> BootLoader:
    return BootLoader(
        loader=Loader.GRUB, name="it", oneshot=oneshot, why=why, config="/boot/grub/grub.cfg"
    )


def systemd_boot(*entries: Mapping[str, object]) -> FakeRunner:
    listed = Result(returncode=0, stdout=json.dumps(entries))
    return FakeRunner(answers={"list": listed, "bootctl": Result(returncode=0)})


def grub(saved: str = "gnulinux-simple-6c", config: str = GRUB) -> FakeRunner:
    done = Result(returncode=0)
    return FakeRunner(
        answers={
            "cat": Result(returncode=0, stdout=config),
            "list": Result(returncode=0, stdout=f"saved_entry={saved}\n"),
            "grub-reboot": done,
            "grub-set-default": done,
        }
    )


def ran(runner: FakeRunner) -> list[tuple[str, ...]]:
    return [command.argv for command in runner.ran]


def test_systemd_boot_boots_the_kernels_entry_once() -> None:
    runner = systemd_boot(OLD, NEW)
    armed = boot_once.arm(runner, loader(OneShot.BOOTCTL), TARGET)
    assert armed == Armed(entry="linux-pkgafdo-base.conf")
    assert ran(runner) == [("bootctl", "set-oneshot", "linux-pkgafdo-base.conf")]


def test_where_the_new_kernel_became_the_default_the_old_one_is_made_it_again() -> None:
    runner = systemd_boot(OLD, NEW | {"isDefault": True})
    boot_once.arm(runner, loader(OneShot.BOOTCTL), TARGET)
    assert ran(runner) == [
        ("bootctl", "set-default", "linux.conf"),
        ("bootctl", "set-oneshot", "linux-pkgafdo-base.conf"),
    ]


def test_a_new_default_without_a_known_old_kernel_is_left_to_a_person() -> None:
    runner = systemd_boot(NEW | {"isDefault": True})
    armed = boot_once.arm(runner, loader(OneShot.BOOTCTL), TARGET)
    assert "the old kernel's is not known" in armed.why_not
    assert runner.ran == []


def test_a_default_that_may_be_it_stays() -> None:
    known = replace(TARGET, may_be_default=True)
    runner = systemd_boot(OLD, NEW | {"isDefault": True})
    assert boot_once.arm(runner, loader(OneShot.BOOTCTL), known).entry
    assert ran(runner) == [("bootctl", "set-oneshot", "linux-pkgafdo-base.conf")]
    runner = grub(saved="gnulinux-linux-pkgafdo-base-advanced-6c")
    assert boot_once.arm(runner, loader(OneShot.GRUB_REBOOT), known).entry
    assert [argv[0] for argv in ran(runner)] == ["grub-reboot"]


def test_a_kernel_without_an_entry_is_not_armed() -> None:
    armed = boot_once.arm(systemd_boot(OLD), loader(OneShot.BOOTCTL), TARGET)
    assert armed.entry == ""
    assert "no boot entry of linux-pkgafdo-base" in armed.why_not
    assert "let it name vmlinuz-linux-pkgafdo-base" in armed.why_not
    limine = replace(loader(OneShot.BOOTCTL), loader=Loader.LIMINE)
    assert "limine-update" in boot_once.arm(systemd_boot(OLD), limine, TARGET).why_not


def test_grub_boots_the_kernels_entry_once() -> None:
    runner = grub()
    armed = boot_once.arm(runner, loader(OneShot.GRUB_REBOOT), TARGET)
    path = "gnulinux-advanced-6c>gnulinux-linux-pkgafdo-base-advanced-6c"
    assert armed.entry == path
    assert ran(runner) == [("grub-reboot", path)]


def test_grubs_default_goes_back_to_the_old_kernel() -> None:
    runner = grub(saved="gnulinux-linux-pkgafdo-base-advanced-6c")
    boot_once.arm(runner, loader(OneShot.GRUB_REBOOT), TARGET)
    assert ran(runner)[0] == ("grub-set-default", "gnulinux-simple-6c")


def test_what_boots_afterwards_is_named_where_it_is_another_kernel() -> None:
    lts = {"id": "lts.conf", "title": "LTS", "linux": "/vmlinuz-linux-lts", "isDefault": True}
    armed = boot_once.arm(systemd_boot(OLD, NEW, lts), loader(OneShot.BOOTCTL), TARGET)
    assert armed == Armed(entry="linux-pkgafdo-base.conf", after="the default, “LTS”")
    assert boot_once.arm(grub(), loader(OneShot.GRUB_REBOOT), TARGET).after == ""
    armed = boot_once.arm(grub(saved="plain"), loader(OneShot.GRUB_REBOOT), TARGET)
    assert armed.after == "the default, “plain”"


@pytest.mark.parametrize("saved", ["3", "1>0", "1>0>2"])
def test_a_place_in_grubs_menu_says_nothing_about_the_kernel_there(saved: str) -> None:
    runner = grub(saved=saved)
    armed = boot_once.arm(runner, loader(OneShot.GRUB_REBOOT), TARGET)
    assert armed.entry.endswith("gnulinux-linux-pkgafdo-base-advanced-6c")
    assert armed.after.startswith(f"line {saved} of its menu, whichever that is now")
    assert [argv[0] for argv in ran(runner)] == ["grub-reboot"]


def test_a_menu_that_was_not_made_again_says_how() -> None:
    text = GRUB.replace("linux-pkgafdo-base", "linux-lts")
    armed = boot_once.arm(grub(config=text), loader(OneShot.GRUB_REBOOT), TARGET)
    assert "grub-mkconfig -o /boot/grub/grub.cfg" in armed.why_not


def test_a_menu_from_before_the_saved_default_is_not_trusted() -> None:
    text = GRUB.replace("saved_entry", "other")
    runner = grub(config=text)
    armed = boot_once.arm(runner, loader(OneShot.GRUB_REBOOT), TARGET)
    assert "older than GRUB_DEFAULT=saved" in armed.why_not
    assert runner.ran == []


@pytest.mark.parametrize("text", ["{", "[{}]", "[3"])
def test_nonsense_from_bootctl_is_no_fault_of_the_run(text: str) -> None:
    runner = FakeRunner(answers={"bootctl": Result(returncode=0, stdout=text)})
    armed = boot_once.arm(runner, loader(OneShot.BOOTCTL), TARGET)
    assert "could not be asked" in armed.why_not


def test_a_failing_or_missing_program_is_no_fault_of_the_run() -> None:
    failing = FakeRunner(answers={"bootctl": Result(returncode=1, stderr="no ESP")})
    assert "failed" in boot_once.arm(failing, loader(OneShot.BOOTCTL), TARGET).why_not
    absent = FakeRunner(missing={"bootctl"})
    assert "not installed" in boot_once.arm(absent, loader(OneShot.BOOTCTL), TARGET).why_not


def test_without_one_shot_nothing_is_touched() -> None:
    armed = boot_once.arm(FakeRunner(), loader(OneShot.NONE, "too old"), TARGET)
    assert armed == Armed(why_not="too old")


@pytest.mark.parametrize(
    ("oneshot", "argv"),
    [
        (OneShot.BOOTCTL, ("bootctl", "set-oneshot", "")),
        (OneShot.GRUB_REBOOT, ("grub-editenv", "-", "unset", "next_entry")),
    ],
)
def test_a_one_shot_can_be_taken_back(oneshot: OneShot, argv: tuple[str, ...]) -> None:
    runner = FakeRunner(answers={argv[0]: Result(returncode=0)})
    boot_once.disarm(runner, loader(oneshot))
    assert ran(runner) == [argv]


def test_a_plan_shows_the_command_or_the_way_by_hand() -> None:
    first, _ = boot_once.arming_lines(loader(OneShot.BOOTCTL), TARGET)
    assert first == "sudo bootctl set-oneshot '‹entry of linux-pkgafdo-base›'"
    (line,) = boot_once.arming_lines(loader(OneShot.NONE), TARGET)
    assert line.startswith("# Restart, and choose")
    assert TARGET.release in line
