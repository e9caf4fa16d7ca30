"""Booting: the command, and what becomes of each way to fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.errors import CommandError
from pkgafdo.progress import News
from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.guest import parse_report
from pkgafdo.vm.qemu import guest_news, plugin_value, qemu_command, require_success, run_boot
from pkgafdo.vm.settings import VmSettings
from pkgafdo.vm.suites import Step, Suite
from tests.fakes.runner import FakeRunner
from tests.unit.vm.guests import REPORT, SUITE, boot_in

SETTINGS = VmSettings(qemu="qemu", cpu="Skylake-Client", memory=512, timeout=60)


def options(command: Command) -> dict[str, list[str]]:
    """Return QEMU's options with their values."""
    found: dict[str, list[str]] = {}
    name = ""
    for word in command.argv[1:]:
        if word.startswith("-"):
            name = word
            found.setdefault(name, [])
        else:
            found[name].append(word)
    return found


def test_the_boot_is_deterministic_and_lonely() -> None:
    found = options(qemu_command(SETTINGS, boot_in(Path("/g"))))
    assert found["-accel"] == ["tcg,thread=single"]
    assert found["-icount"] == ["shift=0,sleep=off"]
    assert found["-rtc"] == ["base=2020-01-01,clock=vm"]
    assert found["-smp"] == ["1"]
    assert found["-seed"] == ["1"]
    assert {"-nodefaults", "-no-user-config", "-no-reboot"} <= found.keys()
    assert not {"-netdev", "-nic", "-drive", "-virtfs"} & found.keys()


def test_the_settings_decide_machine_and_time_limit() -> None:
    command = qemu_command(SETTINGS, boot_in(Path("/g"), log="train"))
    found = options(command)
    assert command.program == "qemu"
    assert (found["-cpu"], found["-m"]) == (["Skylake-Client"], ["512"])
    assert (command.timeout, command.log) == (60, "train")
    assert "qemu-system-x86" in command.hint


def test_the_kernel_keeps_its_link_addresses_and_ends_at_a_panic() -> None:
    found = options(qemu_command(SETTINGS, boot_in(Path("/g"))))
    (arguments,) = found["-append"]
    assert {"nokaslr", "panic=-1", "rdinit=/init", "console=ttyS0"} <= set(arguments.split())
    assert found["-kernel"] == ["/g/bzImage"]
    assert found["-initrd"] == ["/g/two.cpio"]


def test_features_that_the_kernel_takes_for_present_are_on_its_command_line() -> None:
    (plain,) = options(qemu_command(replace(SETTINGS, cpu_features=()), boot_in(Path("/g"))))[
        "-append"
    ]
    (with_two,) = options(
        qemu_command(replace(SETTINGS, cpu_features=("fsrm", "fsrs")), boot_in(Path("/g")))
    )["-append"]
    assert "setcpuid" not in plain
    assert "setcpuid=fsrm,fsrs" in with_two.split()


def test_a_plugin_is_loaded_only_when_there_is_one() -> None:
    assert "-plugin" not in options(qemu_command(SETTINGS, boot_in(Path("/g"))))
    command = qemu_command(SETTINGS, boot_in(Path("/g"), plugin="file=/v.so,mode=record"))
    assert options(command)["-plugin"] == ["file=/v.so,mode=record"]


def test_commas_in_paths_are_doubled_as_qemu_wants_them() -> None:
    assert plugin_value(Path("/a,b/v.so"), {"mode": "record", "out": "/a,b/c"}) == (
        "file=/a,,b/v.so,mode=record,out=/a,,b/c"
    )
    console, report = options(qemu_command(SETTINGS, boot_in(Path("/a,b"))))["-chardev"]
    assert console == "file,id=console,path=/a,,b/two.console"
    assert report == "file,id=report,path=/a,,b/two.report"


def judge(tmp_path: Path, report: str, console: str = "") -> str:
    boot = boot_in(tmp_path)
    boot.console.write_text("first\n" + console)
    with pytest.raises(CommandError) as caught:
        require_success(parse_report(report), console, boot, SUITE)
    assert str(boot.console) in caught.value.hint
    assert caught.value.details == ("first\n" + console).strip()
    return caught.value.message


def test_a_run_in_which_all_went_well_is_a_success(tmp_path, capsys) -> None:
    require_success(parse_report(REPORT), "quiet", boot_in(tmp_path), SUITE)


@pytest.mark.parametrize(
    ("report", "console", "message"),
    [
        (REPORT, "Kernel panic - not syncing", "the guest's kernel broke: Kernel panic - not syncing"),
        ("", "Oops: 1", "the guest's kernel broke: Oops: 1"),
        (REPORT.replace("pkgafdo: done\n", ""), "", "the guest stopped before the workload had finished"),
        ("pkgafdo: unprepared 1 1\npkgafdo: step 2 0\npkgafdo: done\n", "",
         "the step “first” could not be prepared in the guest"),
        (REPORT.replace("step 2 0", "step 2 137"), "",
         "the step “second” hung and was killed in the guest"),
        (REPORT.replace("step 2 0", "step 2 1"), "", "the step “second” failed in the guest with status 1"),
        (REPORT.replace("pkgafdo: step 1 0\n", ""), "",
         "the step “first” failed in the guest with status None"),
    ],
)  # fmt: skip
def test_each_failure_has_its_own_sentence(tmp_path, report, console, message) -> None:
    assert judge(tmp_path, report, console) == message


def guest(report: str, console: str = "hello\n", code: int = 0) -> FakeRunner:
    """Return a runner whose QEMU writes these to the guest's serial ports."""

    def qemu(command: Command) -> Result:
        for word, text in (("id=console", console), ("id=report", report)):
            (value,) = (one for one in command.argv if word in one)
            Path(value.partition("path=")[2]).write_text(text)
        return Result(returncode=code, stdout="qemu said")

    return FakeRunner(answers={"qemu": qemu})


def test_a_boot_returns_the_report_and_forgets_that_of_an_earlier_one(tmp_path) -> None:
    boot = boot_in(tmp_path / "new")
    runner = guest(REPORT)
    assert run_boot(runner, SETTINGS, boot, SUITE) == parse_report(REPORT)
    boot.report.write_text("stale")
    assert run_boot(runner, SETTINGS, boot, SUITE).finished
    assert len(runner.ran) == 2


def test_a_guest_that_qemu_ended_shows_its_console(tmp_path) -> None:
    with pytest.raises(CommandError, match="the guest did not finish: qemu failed") as caught:
        run_boot(guest("", "stuck here\n", code=1), SETTINGS, boot_in(tmp_path), SUITE)
    assert caught.value.details == "stuck here"


def test_a_guest_that_said_nothing_leaves_the_word_to_qemu(tmp_path) -> None:
    with pytest.raises(CommandError, match="the guest did not finish") as caught:
        run_boot(guest("", "", code=1), SETTINGS, boot_in(tmp_path), SUITE)
    assert caught.value.details == "qemu said"


def test_a_qemu_that_never_started_the_guest_speaks_for_itself(tmp_path) -> None:
    runner = FakeRunner(answers={"qemu": Result(returncode=1, stdout="bad option")})
    with pytest.raises(CommandError, match=r"^qemu failed with exit code 1") as caught:
        run_boot(runner, SETTINGS, boot_in(tmp_path), SUITE)
    assert caught.value.details == "bad option"


def test_a_step_that_failed_fails_the_boot(tmp_path) -> None:
    with pytest.raises(CommandError, match="“second” failed"):
        run_boot(guest(REPORT.replace("step 2 0", "step 2 9")), SETTINGS, boot_in(tmp_path), SUITE)


def test_modules_that_were_refused_are_only_warned_about(tmp_path, capsys) -> None:
    report = run_boot(guest(REPORT), SETTINGS, boot_in(tmp_path), SUITE)
    assert report.refused == ("odd",)


def test_a_guest_is_said_to_be_as_far_as_it_has_reported(tmp_path):
    suite = Suite(
        name="train",
        about="",
        files=(),
        steps=tuple(Step(name=name, script="true") for name in ("fork", "pipe", "files", "net")),
    )
    report = tmp_path / "report"
    assert guest_news(report, suite) == News(text="the guest boots")
    report.write_text("")
    assert guest_news(report, suite) == News(text="the guest boots")
    report.write_text("pkgafdo: release 7.2\npkgafdo: step 1 0\n")
    assert guest_news(report, suite) == News(text="1 of 4 workloads", detail="pipe", share=0.25)
    report.write_text(
        "pkgafdo: release 7.2\n" + "".join(f"pkgafdo: step {n} 0\n" for n in range(1, 5))
    )
    assert guest_news(report, suite) == News(text="4 of 4 workloads", share=1.0)
