"""Hand-made suites and boots, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.vm.qemu import Boot
from pkgafdo.vm.suites import Step, Suite

if TYPE_CHECKING:
    from pathlib import Path

SUITE = Suite(
    name="two",
    about="two steps",
    files=("tool",),
    steps=(
        Step(name="first", script="tool 1", prepare="mkdir x", operations=5, unit="turn"),
        Step(name="second", script="tool 2"),
    ),
)

REPORT = """\
pkgafdo: release 7.2.13-pkgafdo-base
pkgafdo: refused odd
pkgafdo: module ext4 1048576 0xffffffffc0100000
pkgafdo: section ext4 .text 0xffffffffc0101000
pkgafdo: section ext4 .init.text 0xffffffffc0180000
pkgafdo: module jbd2 4096 0xffffffffc0000000
pkgafdo: step 1 0
pkgafdo: step 2 0
pkgafdo: done
"""


def boot_in(folder: Path, **options: str) -> Boot:
    """Return a boot whose files lie in a folder."""
    return Boot(
        image=folder / "bzImage",
        initramfs=folder / "two.cpio",
        console=folder / "two.console",
        report=folder / "two.report",
        **options,
    )
