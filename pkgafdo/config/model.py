"""The whole configuration: every room's Settings, composed."""

from __future__ import annotations

from dataclasses import field

from pydantic.dataclasses import dataclass

from pkgafdo.kernel.settings import KernelSettings, SourceSettings
from pkgafdo.packaging.settings import BuildSettings
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.settings import SETTINGS
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.vm.settings import VmSettings, WorkloadSettings


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class MeasureSettings:
    """What the two kernels are compared on."""

    heldout: str = "heldout"
    """The shipped suite that the profile was not trained with."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class InstallSettings:
    """Where the finished packages go."""

    system: bool = False
    """Install the optimised kernel into this system, beside the running one (`--install`)."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class Config:
    """pkgafdo.toml: what the user wants."""

    source: SourceSettings = field(default_factory=SourceSettings)
    """Where the kernel source comes from."""
    kernel: KernelSettings = field(default_factory=KernelSettings)
    """How the kernel is configured."""
    toolchain: ToolchainSettings = field(default_factory=ToolchainSettings)
    """Which LLVM builds the kernel and converts the profile."""
    build: BuildSettings = field(default_factory=BuildSettings)
    """How kernels are built and packaged."""
    install: InstallSettings = field(default_factory=InstallSettings)
    """Where the finished packages go."""
    vm: VmSettings = field(default_factory=VmSettings)
    """The virtual machine that kernels are recorded and measured in."""
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    """What runs while branches are recorded."""
    profile: ProfileSettings = field(default_factory=ProfileSettings)
    """When a converted profile is good enough to build a kernel with."""
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    """What the two kernels are compared on."""
