"""What is wrong with how a kernel's PKGBUILD configures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.packaging.check_finding import Finding, Severity, finding
from pkgafdo.packaging.check_grade import ADAPT, grade
from pkgafdo.packaging.kernel_age import why_too_old
from pkgafdo.packaging.lto_parts import lto_parts
from pkgafdo.packaging.pkgbuild_config import moment
from pkgafdo.packaging.pkgbuild_shape import LTO_CHOICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.packaging.pkgbuild_shape import Shape


def check_kconfig(shape: Shape) -> Iterator[Finding]:
    """Find that AutoFDO is enabled in a .config that another one replaces."""
    lasting = len(shape.early_enables) < len(shape.enables)
    for call in () if lasting else shape.early_enables:
        later = next(one for one in shape.resets if moment(one) >= moment(call))
        yield finding(
            "enabled-too-early", Severity.WARNING if later.nested else grade(shape),
            call.place.line,
            f"AUTOFDO_CLANG is lost {'where' if later.nested else 'when'} line {later.place.line} "
            "writes .config anew",
            f"Enable it below that line. {ADAPT}",
        )  # fmt: skip


def check_lto_parts(shape: Shape) -> Iterator[Finding]:
    """Find what a build with clang needs, and gets only with link time optimization."""
    build = shape.build_make
    clang = build is not None and build.clang is not False
    if not (clang and shape.is_on and shape.values.scalar(LTO_CHOICE) == "none"):
        return
    for part in lto_parts(shape.script):
        if part.breaks:
            yield finding(
                "clang-only-with-lto", Severity.WARNING, part.line,
                f"only with LTO {part.what}",
                f"Let its condition hold with AutoFDO, too, or set {LTO_CHOICE} to thin.",
            )  # fmt: skip


def check_age(shape: Shape) -> Iterator[Finding]:
    """Find a kernel that is older than AutoFDO."""
    if why := why_too_old(shape.values.scalar("pkgver")):
        lines = [one.place.line for one in shape.script.assigned("pkgver")]
        yield finding(
            "kernel-too-old", Severity.WARNING, lines[0] if lines else 0, why,
            "Take a newer kernel, or one with the backport.",
        )  # fmt: skip
