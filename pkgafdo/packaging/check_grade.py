"""How bad a trap of a kernel's PKGBUILD is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.check_finding import Severity

if TYPE_CHECKING:
    from pkgafdo.packaging.pkgbuild_shape import Shape

ADAPT: Final = "`pkgafdo pkgbuild adapt` mends it."


def grade(shape: Shape) -> Severity:
    """Return how bad a trap is: an error when AutoFDO is on, a warning while it can be switched on."""
    return Severity.ERROR if shape.is_on else Severity.WARNING


def grade_profile(shape: Shape, *, propeller: bool) -> Severity:
    """Return how bad a trap is that only a profile falls into: an error where one is set."""
    asked = (shape.values.scalar(f"_propeller{suffix}") == "yes" for suffix in ("", "_profiles"))
    is_set = all(asked) if propeller else shape.is_on and bool(shape.profile_name)
    return Severity.ERROR if is_set else Severity.WARNING
