"""The kernels of a run and what sets them apart."""

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
    """Which kernel: built without a profile, with it, or with it and Propeller's layout."""

    BASELINE = "baseline"
    OPTIMISED = "optimised"
    PROPELLER = "propeller"


SUFFIXES: Final = {Round.BASELINE: "-base", Round.OPTIMISED: "-afdo"}
"""Of the kernels on the way; the last one has the names that the user chose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """A round's names: all kernels can be installed side by side, and none replaces another."""

    localversion: str
    pkgbase: str


def rounds(config: Config) -> tuple[Round, ...]:
    """Return the kernels that a run builds, in order; the last is what the user wants."""
    return tuple(Round) if config.propeller.enable else (Round.BASELINE, Round.OPTIMISED)


def final_round(config: Config) -> Round:
    """Return the kernel that the user wants in the end."""
    return rounds(config)[-1]


def naming(config: Config, which: Round) -> Naming:
    """Return the names of a round's kernel; the last one has those that the user chose."""
    suffix = "" if which is final_round(config) else SUFFIXES[which]
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
