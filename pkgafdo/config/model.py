"""The whole configuration: every room's Settings, composed."""

from __future__ import annotations

from dataclasses import field

from pydantic.dataclasses import dataclass

from pkgafdo.kernel.settings import KernelSettings, SourceSettings
from pkgafdo.packaging.package_settings import PackageSettings
from pkgafdo.packaging.settings import BuildSettings
from pkgafdo.perf.settings import RecordSettings
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.propeller.settings import PropellerSettings
from pkgafdo.settings import SETTINGS
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.vm.settings import VmSettings, WorkloadSettings


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class MeasureSettings:
    """What the two kernels are compared on."""

    heldout: str = "heldout"
    """The shipped suite that the profile was not trained with."""
    noise_floor: bool = False
    """Also link the baseline in another order and count it: how much layout's luck alone changes
    (`--noise-floor`)."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class InstallSettings:
    """Where the finished packages go."""

    system: bool = False
    """Install into this system, beside the running kernel: the last one, and what is recorded here
    (`--install`)."""
    signed: bool = False
    """Installed kernels get signed here, by a hook or by hand: Secure Boot is no obstacle."""


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
    package: PackageSettings = field(default_factory=PackageSettings)
    """By which route packages are made: the tree's own, or a PKGBUILD's."""
    install: InstallSettings = field(default_factory=InstallSettings)
    """Where the finished packages go."""
    vm: VmSettings = field(default_factory=VmSettings)
    """The virtual machine that kernels are recorded and measured in."""
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    """What runs while branches are recorded."""
    record: RecordSettings = field(default_factory=RecordSettings)
    """Where branches are recorded, and how on a real machine."""
    profile: ProfileSettings = field(default_factory=ProfileSettings)
    """When a converted profile is good enough to build a kernel with."""
    propeller: PropellerSettings = field(default_factory=PropellerSettings)
    """Whether and how Propeller lays out the blocks of a third kernel."""
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    """What the two kernels are compared on."""
