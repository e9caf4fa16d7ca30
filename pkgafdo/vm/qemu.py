"""Running a kernel in QEMU, deterministically, until its workload has finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import CommandError
from pkgafdo.progress import News
from pkgafdo.runner.command import Command
from pkgafdo.vm.guest import Report, find_trouble, parse_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.runner.base import Runner
    from pkgafdo.vm.settings import VmSettings
    from pkgafdo.vm.suites import Suite

_KERNEL_ARGUMENTS: Final = (
    "console=ttyS0", "quiet", "rdinit=/init",
    "nokaslr",           # addresses are link addresses
    "panic=-1",          # a panic resets at once, which -no-reboot turns into the end
    "nolapic_timer",     # its calibration spins for ten seconds under -icount, and then fails
)  # fmt: skip
_TAIL_LINES: Final = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """One boot of a kernel with a suite: the image, the initramfs, and where the output goes.

    plugin is QEMU's -plugin value, or empty. console and report are the files of the two serial ports.
    """

    image: Path
    initramfs: Path
    console: Path
    report: Path
    plugin: str = ""
    log: str = "vm"


def plugin_value(plugin: Path, arguments: Mapping[str, str]) -> str:
    """Return the value of -plugin; a comma in a path is doubled, as QEMU's option parser wants it."""
    pairs = [("file", str(plugin)), *arguments.items()]
    return ",".join(f"{key}={value.replace(',', ',,')}" for key, value in pairs)


def qemu_command(settings: VmSettings, boot: Boot) -> Command:
    """Return the command of one boot.

    -icount with a virtual clock makes the guest's time a function of its instructions, and -seed its
    random numbers repeatable, so that equal kernels count equally. Plugins need TCG; one thread keeps
    the virtual LBR free of locks.
    """
    plugin = ("-plugin", boot.plugin) if boot.plugin else ()
    return Command(
        argv=(
            settings.qemu,
            "-no-user-config", "-nodefaults",
            "-display", "none",
            "-no-reboot",
            "-M", "pc",
            "-cpu", settings.cpu,
            "-m", str(settings.memory),
            "-smp", "1",
            "-accel", "tcg,thread=single",
            "-icount", "shift=0,sleep=off",
            "-rtc", "base=2020-01-01,clock=vm",
            "-seed", "1",
            "-chardev", f"file,id=console,path={_doubled(boot.console)}",
            "-chardev", f"file,id=report,path={_doubled(boot.report)}",
            "-serial", "chardev:console",
            "-serial", "chardev:report",
            *plugin,
            "-kernel", str(boot.image),
            "-initrd", str(boot.initramfs),
            "-append", kernel_arguments(settings),
        ),
        timeout=settings.timeout,
        log=boot.log,
        hint="Install QEMU (Arch: qemu-system-x86; Debian: qemu-system-x86).",
    )  # fmt: skip


def kernel_arguments(settings: VmSettings) -> str:
    """Return the guest kernel's command line."""
    features = settings.cpu_features
    setcpuid = (f"setcpuid={','.join(features)}",) if features else ()
    return " ".join((*_KERNEL_ARGUMENTS, *setcpuid))


def _doubled(path: Path) -> str:
    return str(path).replace(",", ",,")


def run_boot(runner: Runner, settings: VmSettings, boot: Boot, suite: Suite) -> Report:
    """Boot a kernel, let it finish the suite, and return what the guest reported.

    Raises CommandError when the guest hangs, panics, oopses, or a step fails; the guest's console is
    kept beside and its last lines are in the error.
    """
    for path in (boot.console, boot.report):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    try:
        with log.asking(lambda: guest_news(boot.report, suite)):
            runner.run(qemu_command(settings, boot))
    except CommandError as error:
        # QEMU has made the file when it could be started at all; a hanging guest may be silent.
        if boot.console.exists():
            message = "the guest did not finish: " + error.message
            raise _failure(message, boot, otherwise=error.details) from error
        raise
    console = boot.console.read_text(encoding="utf-8", errors="replace")
    report = parse_report(boot.report.read_text(encoding="utf-8", errors="replace"))
    require_success(report, console, boot, suite)
    return report


def guest_news(report: Path, suite: Suite) -> News:
    """Return how far a booted guest is with its suite, from what it has reported so far."""
    try:
        told = parse_report(report.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return News(text="the guest boots")
    if not told.release:
        return News(text="the guest boots")
    done, steps = len(told.statuses), len(suite.steps)
    now = suite.steps[done].name if done < steps else ""
    return News(text=f"{done} of {steps} workloads", detail=now, share=done / steps)


def require_success(report: Report, console: str, boot: Boot, suite: Suite) -> None:
    """Raise CommandError unless the guest came to its end and every step succeeded."""
    if trouble := find_trouble(console):
        raise _failure(f"the guest's kernel broke: {trouble[0]}", boot)
    if not report.finished:
        raise _failure("the guest stopped before the workload had finished", boot)
    for number, step in enumerate(suite.steps, 1):
        if number in report.unprepared:
            raise _failure(f"the step “{step.name}” could not be prepared in the guest", boot)
        status = report.statuses.get(number)
        if status == 137:
            raise _failure(f"the step “{step.name}” hung and was killed in the guest", boot)
        if status != 0:
            raise _failure(f"the step “{step.name}” failed in the guest with status {status}", boot)
    for name in report.refused:
        log.warn(f"the guest's kernel refused its module {name}")


def _failure(message: str, boot: Boot, *, otherwise: str = "") -> CommandError:
    """Return an error with the console's last lines, or with other evidence when it is empty."""
    details = files.tail(boot.console, _TAIL_LINES) if boot.console.exists() else ""
    return CommandError(
        message,
        details=details or otherwise,
        hint=f"The guest's whole output is in {boot.console}. Try the workload by itself, or another.",
    )
