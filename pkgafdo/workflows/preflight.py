"""What is looked at before the first slow minute: all that the main job will need in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo.errors import ConfigError
from pkgafdo.host import facts, tools
from pkgafdo.kernel import configure
from pkgafdo.pipeline.plan import Verdict, plan
from pkgafdo.toolchain.abilities import require_address_map, require_conversion
from pkgafdo.vm.own_command import require_own_command
from pkgafdo.vm.programs import find_programs
from pkgafdo.vm.suites import suite_of
from pkgafdo.workflows.adopt_stage import read_foreign
from pkgafdo.workflows.guest import native_of
from pkgafdo.workflows.measure_stages import measured_suites
from pkgafdo.workflows.record_host import require_host_road
from pkgafdo.workflows.session import make_runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.kernel.settings import KernelSettings, Lto
    from pkgafdo.pipeline.stage import Stage
    from pkgafdo.workflows.session import Session


def require_tools_for(host: facts.HostFacts) -> None:
    """Raise HostError that names every missing tool of building and installing, with its package."""
    tools.require_tools(
        make_runner(host), family=host.family, verbs=("build", "install"), besides=tools.LLVM
    )


def require_given_files(session: Session, stages: Sequence[Stage]) -> None:
    """Raise what a run raises for the files that the configuration names: .config, profile.

    ConfigError for what the kernel's configuration is made of, ArtifactError for the profile.
    """
    running = configure.RunningKernel(release=session.host.release)
    require_config_files(session.config.kernel, running)
    if session.config.profile.file and any(stage.name == "convert" for stage in stages):
        read_foreign(session.runner, session.toolchain, session.config.profile)


def require_config_files(kernel: KernelSettings, running: configure.RunningKernel) -> None:
    """Raise ConfigError when a file that the kernel's configuration is made of cannot be used."""
    match kernel.base:
        case "small" | "defconfig":
            pass
        case "running":
            configure.running_config(running)
        case path:
            configure.read_config(Path(path))
    for fragment in kernel.fragments:
        configure.fragment_text(fragment)
    if kernel.localmodconfig:
        configure.read_module_list(Path(kernel.localmodconfig))


def require_propeller_lto(lto: Lto) -> None:
    """Raise ConfigError when the linker would generate code without ever seeing Propeller's lists."""
    if lto not in {"thin", "none"}:
        raise ConfigError(
            f"LTO “{lto}” does not get Propeller's layout",
            details="scripts/Makefile.propeller hands --lto-basic-block-sections only to ThinLTO.",
            hint='Set kernel.lto to "thin" or "none", or leave Propeller out.',
        )


def awaits_boot(session: Session, stages: Sequence[Stage]) -> bool:
    """Tell whether a kernel has yet to be booted and recorded here: such a stage is not done."""
    gated = {stage.name for stage in stages if stage.gate is not None}
    decisions = plan(stages, session.workdir.journal.read()) if gated else ()
    return any(one.stage in gated and one.verdict is not Verdict.REUSE for one in decisions)


def require_later(session: Session, stages: Sequence[Stage]) -> None:
    """Raise HostError for what the stages after the first build would find missing only then.

    That is an llvm-profgen that can make a profile, the workloads' programs, and a QEMU with plugins.
    A command of the user's own that begins with what the guest lacks raises ConfigError.
    """
    names = {stage.name for stage in stages}
    if session.config.propeller.enable:
        require_address_map(session.runner, session.toolchain)
    if "convert" in names and not session.config.profile.file:
        require_conversion(session.runner, session.toolchain)
    measures = any(name.startswith("measure-") for name in names)
    records_here = "record" in names and session.config.record.road == "host"
    if awaits_boot(session, stages):
        require_host_road(session)
    if measures or ("record" in names and not records_here):
        suites = (
            tuple(measured_suites(session).values())
            if measures
            else (suite_of(session.config.workload),)
        )
        wanted = dict.fromkeys(name for suite in suites for name in suite.files)
        find_programs(session.runner, ("busybox", *wanted))
        for suite in suites:
            require_own_command(session.runner, suite)
        native_of(session)
