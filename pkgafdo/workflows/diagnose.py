"""What this machine can do and lacks, against what the configured run will do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo.errors import ConfigError, PkgafdoError
from pkgafdo.host import boot_loader, dkms, doctor, doctor_boot, doctor_size, facts, kvm, tools
from pkgafdo.host.resources import find_rooms
from pkgafdo.host.secure_boot import read_secure_boot
from pkgafdo.kernel import configure, memory
from pkgafdo.profile.magic import require_profile
from pkgafdo.vm.plugin import probe_api
from pkgafdo.workflows import room
from pkgafdo.workflows.adopt_stage import read_foreign
from pkgafdo.workflows.bootable import require_disk_folder, require_pacman, require_real_kernel
from pkgafdo.workflows.diagnose_programs import (
    as_run_finds,
    btf_findings,
    llvm_findings,
    pyalpm_finding,
)
from pkgafdo.workflows.diagnose_recording import (
    Tried,
    branch_finding,
    perf_finding,
    root_finding,
    try_once,
    workload_finding,
)
from pkgafdo.workflows.preflight import require_config_files
from pkgafdo.workflows.recorder import Road, expected_road, possible_road, try_recording
from pkgafdo.workflows.rounds import rounds
from pkgafdo.workflows.session import cache_folder, make_runner, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.config.model import Config
    from pkgafdo.host.doctor import Finding
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.diagnose_recording import Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a diagnosis looks at: the configuration, the machine, where the run would work."""

    config: Config
    host: facts.HostFacts
    workdir: Path
    filesystem: Path
    tried: Tried = field(default_factory=Tried)

    @property
    def installs(self) -> bool:
        """Whether the run installs kernels into this system."""
        return self.config.install.system

    @property
    def records(self) -> bool:
        """Whether the run records at all: a profile may be brought instead."""
        return not self.config.profile.file

    @property
    def hardware(self) -> bool:
        """Whether the run can record on nothing but this machine itself."""
        return self.records and self.config.record.road == "host"

    @property
    def road(self) -> Road:
        """Where the run will record, as far as that is known."""
        if possible := possible_road(self.config):
            return possible
        if self.tried.error is not None:
            return Road(name="vm", why="the probe on this machine failed")
        return expected_road(self.host, self.config.record, filesystem=self.filesystem)

    @property
    def on_host(self) -> bool:
        """Whether the run boots its kernel on this machine, to record it there."""
        return self.records and self.road.name == "host"


def diagnose_host(
    config: Config,
    *,
    workdir: Path,
    filesystem: Path = Path("/"),
    runner: Runner | None = None,
    trial: Trial | None = None,
) -> doctor.Diagnosis:
    """Return everything that is known about this machine's fitness for the configured run.

    `trial` records for a second, in place of this machine's perf; with a runner and no trial nothing
    is recorded.
    """
    host = facts.read_facts(filesystem=filesystem)
    if runner is None:
        runner = local = make_runner(host)
        trial = trial or partial(try_recording, local, host, config.record)
    look = Look(config=config, host=host, workdir=workdir, filesystem=filesystem)
    if look.on_host:
        look = replace(look, tried=try_once(trial, host, config.record, filesystem))
    checked = tools.check_tools(runner, family=host.family, filesystem=filesystem)
    llvm, toolchain = llvm_findings(runner, config)
    others = [
        root_finding(runner, host, filesystem, records=look.hardware, installs=look.installs),
        pyalpm_finding(),
        *llvm,
        *_recording(runner, look),
        *_virtual_machine(runner, look, toolchain),
        *_booting(runner, look),
        *_road(look),
        *_refusals(look, _files(runner, look, toolchain)),
        *btf_findings(runner, config, host),
        *_sizes(look),
    ]
    return doctor.diagnose(host, as_run_finds(checked, runner, toolchain), others)


def _recording(runner: Runner, look: Look) -> list[Finding]:
    lacking = doctor.Level.MISSING if look.hardware else doctor.Level.NOTE
    settings = look.config.record
    return [
        branch_finding(look.host, look.filesystem, look.tried, lacking),
        perf_finding(runner, look.host, settings, lacking),
        *([workload_finding(runner, look.config)] if look.on_host else []),
    ]


def _running(look: Look) -> configure.RunningKernel:
    return configure.RunningKernel(
        release=look.host.release,
        proc_config=look.filesystem / "proc/config.gz",
        boot=look.filesystem / "boot",
        modules=look.filesystem / "usr/lib/modules",
    )


def _files(
    runner: Runner, look: Look, toolchain: Toolchain | None
) -> dict[str, Callable[[], object]]:
    """Return what looks into the files that the configuration names, by what they are."""
    checks: dict[str, Callable[[], object]] = {
        ".config": partial(require_config_files, look.config.kernel, _running(look))
    }
    settings = look.config.profile
    if settings.file and toolchain is not None:
        checks["profile"] = partial(read_foreign, runner, toolchain, settings)
    elif settings.file:
        checks["profile"] = partial(require_profile, Path(settings.file))
    return checks


def _refusals(look: Look, given: Mapping[str, Callable[[], object]]) -> list[Finding]:
    """Return a line for each thing that a run would refuse before it begins."""
    checks: dict[str, Callable[[], object]] = {
        **given,
        "kernel": partial(require_real_kernel, look.config),
        "installing": partial(require_pacman, look.config, look.host),
    }
    if look.on_host:
        checks["work folder"] = partial(
            require_disk_folder, look.workdir, filesystem=look.filesystem
        )
    found = []
    for name, check in checks.items():
        try:
            check()
        except PkgafdoError as error:
            found.append(doctor.refused("configured run", name, error))
    return found


def _virtual_machine(runner: Runner, look: Look, toolchain: Toolchain | None) -> list[Finding]:
    qemu = look.config.vm.qemu
    if runner.which(qemu) is None:
        return []  # the tools' lines say so
    found = [] if toolchain is None else [_plugins(runner, toolchain, qemu)]
    probed = kvm.probe_kvm(runner, qemu=qemu, filesystem=look.filesystem)
    return [*found, doctor_boot.kvm_finding(probed)]


def _plugins(runner: Runner, toolchain: Toolchain, qemu: str) -> Finding:
    try:
        version = probe_api(runner, toolchain.tools["clang"], qemu)
    except PkgafdoError as error:
        return doctor.refused("virtual machine", "virtual LBR", error)
    text = f"QEMU takes plugins (API {version})"
    return doctor.fine("virtual machine", "virtual LBR", text)


def _booting(runner: Runner, look: Look) -> list[Finding]:
    must_boot = look.on_host and not look.config.install.signed
    loader = boot_loader.detect(look.filesystem)
    return [
        doctor_boot.secure_boot_finding(read_secure_boot(look.filesystem), must_boot=must_boot),
        doctor_boot.boot_loader_finding(loader, tool=runner.which(loader.oneshot.value)),
        doctor_boot.out_of_tree_finding(
            dkms.read_out_of_tree(look.filesystem), installs=look.installs
        ),
    ]


def _road(look: Look) -> list[Finding]:
    if not look.records:
        text = f"none: the profile is {look.config.profile.file}"
    else:
        place = {"vm": "in the VM", "host": "on this machine"}[look.road.name]
        text = f"{place} ({look.road.why})"
    return [doctor.fine("configured run", "recording", text)]


def _sizes(look: Look) -> list[Finding]:
    base = look.config.kernel.base
    return [
        *_disks(look),
        doctor_size.memory_finding(
            available=look.host.memory_available,
            total=look.host.memory,
            needed=memory.estimate_memory(base, jobs=look.config.build.jobs or look.host.cores),
            purpose=f"linking “{base}” and converting its recording",
        ),
    ]


def _disks(look: Look) -> list[Finding]:
    try:
        needs = room.build_needs(
            look.config,
            _running(look),
            scratch=scratch_folder(look.workdir, None),
            workdir=look.workdir,
            builds=len(rounds(look.config)),
        )
    except ConfigError as error:
        if look.config.package.route == "pkgbuild":
            return [doctor.refused("configured run", "PKGBUILD", error)]
        return []  # a .config that cannot be read has no size, and a line of its own
    if look.config.package.route != "pkgbuild":
        needs += room.source_needs(look.config.source, cache_folder(look.host) / "sources")
    return [doctor_size.disk_finding(one) for one in find_rooms(needs)]
