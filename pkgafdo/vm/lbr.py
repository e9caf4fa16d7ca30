"""Recording with the virtual LBR, and measuring with its model: one boot each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.vlbr import read_counts
from pkgafdo.errors import ArtifactError
from pkgafdo.vm.qemu import Boot, plugin_value, qemu_command, run_boot
from pkgafdo.vm.suites import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.artifacts import Vmlinux
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.runner.base import Runner
    from pkgafdo.runner.command import Command
    from pkgafdo.vm.plugin import Native
    from pkgafdo.vm.settings import VmSettings
    from pkgafdo.vm.suites import Suite

EVENT: Final = "virtual-lbr"
MODEL: Final = (
    "kernel side only; L1i 32 KiB, 8 ways, 64-byte lines; iTLB 64 entries, 8 ways, 4 KiB pages; LRU, "
    "cold at the start of each window"
)
"""The stated model of the measurements (native/vlbr.c)."""

_WINDOW: Final = re.compile(
    r"window (\d+) seen (\d+) instructions (\d+) taken_branches (\d+) l1i_misses (\d+) "
    r"itlb_misses (\d+) discontinuities \d+ lines_touched (\d+) pages_touched (\d+)"
)
_FIELDS: Final = (
    "instructions", "taken_branches", "l1i_misses", "itlb_misses", "lines_touched", "pages_touched",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Guest:
    """What is booted: a kernel's image and its vmlinux, the packed suite, and where files go."""

    image: Path
    vmlinux: Vmlinux
    initramfs: Path
    suite: Suite
    folder: Path
    name: str


def boot_of(guest: Guest, plugin: str) -> Boot:
    """Return the boot of a guest with a plugin."""
    return Boot(
        image=guest.image,
        initramfs=guest.initramfs,
        console=guest.folder / f"{guest.name}.console",
        report=guest.folder / f"{guest.name}.report",
        plugin=plugin,
        log=guest.name,
    )


def stacks_of(guest: Guest) -> Path:
    """Return where the plugin writes the sampled stacks of a recording."""
    return guest.folder / f"{guest.name}.stacks"


def plugin_of(
    native: Native, guest: Guest, mode: str, output: Path, more: Mapping[str, str] | None = None
) -> str:
    """Return QEMU's -plugin value for recording or measuring this guest's kernel."""
    return plugin_for(native, guest.vmlinux.path, mode, output, more)


def plugin_for(
    native: Native, vmlinux: Path, mode: str, output: Path, more: Mapping[str, str] | None = None
) -> str:
    """Return QEMU's -plugin value for recording or measuring a kernel.

    Raises ArtifactError when vmlinux lacks the symbols that bound the entry text.
    """
    bounds = elf.text_bounds(vmlinux)
    start, end = bounds.entry_text_start, bounds.entry_text_end
    if start is None or end is None:
        raise ArtifactError(
            f"{vmlinux} has no symbols __entry_text_start and __entry_text_end",
            hint="Use the vmlinux of an x86-64 kernel, unstripped.",
        )
    return plugin_value(
        native.plugin,
        {"mode": mode, "out": str(output), "entry": f"{start:x}-{end:x}", **(more or {})},
    )


def record(runner: Runner, settings: VmSettings, native: Native, guest: Guest) -> BranchTable:
    """Boot the guest under the virtual LBR; return the exact counts of all its windows.

    With settings.stack_period, sampled stacks are left in `stacks_of(guest)` too.
    Addresses are link addresses (the guest runs without KASLR); the table's metadata says where the
    modules were. Raises ArtifactError when not one branch was seen, and what `run_boot` raises.
    """
    counts = guest.folder / f"{guest.name}.vlbr"
    counts.unlink(missing_ok=True)
    period = settings.stack_period
    sampling = {"stacks": str(stacks_of(guest)), "period": str(period)} if period else {}
    boot = boot_of(guest, plugin_of(native, guest, "record", counts, sampling))
    report = run_boot(runner, settings, boot, guest.suite)
    meta = TableMeta(
        build_id=guest.vmlinux.build_id,
        kernelrelease=report.release,
        link_base=elf.text_bounds(guest.vmlinux.path).text or 0,
        event=EVENT,
        period=1,
        source="virtual LBR in QEMU",
        cpu=settings.cpu,
        modules=report.modules,
        extra=origin_of(guest.suite) | ({"qemu": native.qemu} if native.qemu else {}),
    )
    table = read_counts(counts, meta)
    if not table.branches:
        raise ArtifactError(
            "the virtual LBR saw no kernel branch",
            details=f"The windows of {guest.suite.name} were {table.meta.extra['windows']} in number.",
            hint=f"Does the workload run inside its window? Look at {boot.console}.",
        )
    return table


def parse_measure(text: str) -> dict[int, dict[str, int]]:
    """Read what the plugin's measuring mode writes: window → its numbers; pure.

    Raises ArtifactError when the text does not come to its end.
    """
    lines = text.splitlines()
    if lines[:1] != ["vlbr-measure 1"] or lines[-1:] != ["end"]:
        raise ArtifactError(
            "the virtual LBR's measurements are not whole",
            details=text[:200],
            hint="Measure again; the guest was probably ended before it could finish.",
        )
    windows = {}
    for line in lines[1:-1]:
        match = _WINDOW.fullmatch(line)
        if match is None:
            raise ArtifactError("a line of the virtual LBR's measurements is unknown", details=line)
        number, _, *values = (int(group) for group in match.groups())
        windows[number] = dict(zip(_FIELDS, values, strict=True))
    return windows


def measure(
    runner: Runner, settings: VmSettings, native: Native, guest: Guest
) -> dict[int, dict[str, int]]:
    """Boot the guest under the measuring model; return the numbers of each window (from 1).

    Each window has instructions, taken_branches, l1i_misses, itlb_misses, and the different cache
    lines and pages of code touched, all of the kernel side. Raises ArtifactError when a step's
    window is missing, and what `run_boot` raises.
    """
    output = guest.folder / f"{guest.name}.measure"
    output.unlink(missing_ok=True)
    boot = boot_of(guest, plugin_of(native, guest, "measure", output))
    run_boot(runner, settings, boot, guest.suite)
    windows = parse_measure(output.read_text(encoding="utf-8"))
    missing = set(range(1, len(guest.suite.steps) + 1)) - windows.keys()
    if missing:
        raise ArtifactError(
            f"windows {sorted(missing)} of {guest.suite.name} were never opened in the guest",
            hint=f"Look at {boot.console}.",
        )
    return windows


def preview_command(settings: VmSettings, image: Path, suite: Suite, mode: str) -> Command:
    """Return the command of a boot as a plan shows it, before the guest's files exist."""
    return qemu_command(
        settings,
        Boot(
            image=image,
            initramfs=Path(f"‹{suite.name}.cpio›"),
            console=Path("‹console›"),
            report=Path("‹report›"),
            plugin=plugin_value(Path("‹vlbr.so›"), {"mode": mode, "out": "‹counts›"}),
        ),
    )
