"""The two kernels of a run and what sets them apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pkgafdo.kernel.kconfig_check import require_release
from pkgafdo.kernel.settings import LONGEST_VERSION

if TYPE_CHECKING:
    from pkgafdo.config.model import Config
    from pkgafdo.kernel.settings import KernelSettings
    from pkgafdo.packaging.settings import BuildSettings


class Round(StrEnum):
    """Which kernel: built without the profile, or with it."""

    BASELINE = "baseline"
    OPTIMISED = "optimised"


_BASE_SUFFIX: Final = "-base"


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """A round's names: both kernels can be installed side by side, and neither replaces another."""

    localversion: str
    pkgbase: str


def naming(config: Config, which: Round) -> Naming:
    """Return the names of a round's kernel; the optimised one has those that the user chose."""
    suffix = _BASE_SUFFIX if which is Round.BASELINE else ""
    return Naming(
        localversion=config.kernel.localversion + suffix, pkgbase=config.build.pkgbase + suffix
    )


def kernel_settings(config: Config, which: Round) -> KernelSettings:
    """Return the kernel settings of a round; raises ConfigError when its release gets too long."""
    localversion = naming(config, which).localversion
    require_release(LONGEST_VERSION, localversion)
    return replace(config.kernel, localversion=localversion)


def build_settings(config: Config, which: Round) -> BuildSettings:
    """Return the build settings of a round."""
    return replace(config.build, pkgbase=naming(config, which).pkgbase)
