"""What is wrong with how a kernel's PKGBUILD configures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.packaging.check_finding import Finding, Severity, finding
from pkgafdo.packaging.check_grade import ADAPT, grade
from pkgafdo.packaging.pkgbuild_config import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.packaging.pkgbuild_shape import Shape


def check_kconfig(shape: Shape) -> Iterator[Finding]:
    """Find that AutoFDO is enabled in a .config that another one replaces."""
    lasting = len(shape.early_enables) < len(shape.enables)
    for call in () if lasting else shape.early_enables:
        later = next(one for one in shape.resets if moment(one) > moment(call))
        yield finding(
            "enabled-too-early", Severity.WARNING if later.nested else grade(shape),
            call.place.line,
            f"AUTOFDO_CLANG is lost {'where' if later.nested else 'when'} line {later.place.line} "
            "writes .config anew",
            f"Enable it below that line. {ADAPT}",
        )  # fmt: skip
