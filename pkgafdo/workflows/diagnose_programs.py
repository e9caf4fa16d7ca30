"""The lines of the page about LLVM, perf and branch records, and BTF: what trying them showed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import PkgafdoError
from pkgafdo.host import doctor
from pkgafdo.host.container import container_name
from pkgafdo.host.cpu import BranchRecords
from pkgafdo.host.doctor import Finding, Level
from pkgafdo.kernel import configure
from pkgafdo.perf import program
from pkgafdo.toolchain import abilities, select

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.runner.base import Runner

_LLVM_PACKAGES: Final = "Arch: clang, lld, llvm; Debian: clang-19, lld-19, llvm-19 or newer"
_MIXED: Final = "of another LLVM"


def llvm_findings(runner: Runner, config: Config) -> tuple[list[Finding], Toolchain | None]:
    """Say which LLVM will be used, what it can do, and which others do not belong together."""
    try:
        chosen = select.select(runner, config.toolchain)
    except PkgafdoError as error:
        return [doctor.refused("toolchain", "LLVM", error)], None
    version = ".".join(str(part) for part in chosen.version)
    return [
        doctor.fine("toolchain", "LLVM", f"{version} (make LLVM={chosen.make_value})"),
        *_mixed(runner, config, chosen),
        *_abilities(runner, config, chosen),
    ], chosen


def _mixed(runner: Runner, config: Config, chosen: Toolchain) -> list[Finding]:
    """Say which other LLVM's parts are of different versions: other programs will use them."""
    found = []
    for make_value in select.make_values(config.toolchain.llvm):
        if make_value == chosen.make_value:
            break  # those after it were not looked at
        candidate = select.inspect(runner, make_value)
        faults = [fault for fault in candidate.faults if _MIXED in fault] if candidate else []
        found += [
            Finding(
                topic="toolchain",
                name=f"LLVM={make_value}",
                level=Level.NOTE,
                text=fault,
                hint=f"It is not used. Install all parts of one LLVM ({_LLVM_PACKAGES}).",
            )
            for fault in faults
        ]
    return found


def _abilities(runner: Runner, config: Config, chosen: Toolchain) -> list[Finding]:
    can = abilities.probe(runner, chosen)
    needed = {"autofdo"} | ({"thinlto"} if config.kernel.lto.startswith("thin") else set())
    address_map = can.clang & {"bb-sections-labels", "bb-address-map"}
    wanting = sorted(needed - can.clang)
    if config.propeller.enable and not address_map:
        wanting.append("bb-address-map")
    if not config.profile.file:
        wanting += sorted(set(abilities.CONVERSION_OPTIONS) - can.profgen)
    if wanting:
        return [
            Finding(
                topic="toolchain",
                name="abilities",
                level=Level.MISSING,
                text=f"this LLVM lacks {', '.join(wanting)}",
                hint=f"Install LLVM 19 or newer ({_LLVM_PACKAGES}).",
            )
        ]
    text = "tried: " + ", ".join([*sorted(can.clang), "llvm-profgen --kernel"])
    return [doctor.fine("toolchain", "abilities", text)]


def branch_findings(
    runner: Runner, host: HostFacts, filesystem: Path, *, hardware: bool
) -> list[Finding]:
    """Say what records branches here, and whether perf can; `hardware`: the run depends on it."""
    lacking = Level.MISSING if hardware else Level.NOTE
    return [
        _records(host, container_name(filesystem), lacking),
        _perf(runner, host, lacking),
    ]


def _records(host: HostFacts, container: str, lacking: Level) -> Finding:
    cpu = host.cpu
    name = cpu.model_name or "this processor"
    if cpu.branch_records is BranchRecords.NONE:
        why = "a hypervisor hides them" if cpu.virtual else "the processor announces none"
        text = f"none: {why} ({name})"
    elif container:
        text = f"{cpu.branch_records} ({name}), but {container} containers keep perf from it"
    else:
        text = f"{cpu.branch_records} ({name}), as announced; recording probes it"
        return doctor.fine("recording", "branch records", text)
    return Finding(
        topic="recording",
        name="branch records",
        level=lacking,
        text=text,
        hint=("Work on the host itself, or record" if container else "Record")
        + " in the VM with the virtual LBR, which needs none (record.road=vm). On hardware: Intel "
        "Haswell and newer, AMD Zen 3 EPYC with brs, Zen 4 and newer.",
    )


def _perf(runner: Runner, host: HostFacts, lacking: Level) -> Finding:
    try:
        perf = program.find_perf(runner)
    except PkgafdoError as error:
        return replace(doctor.refused("recording", "perf record", error), level=lacking)
    text = f"{perf.path} of Linux {perf.version[0]}.{perf.version[1]}"
    if perf.libpfm:
        return doctor.fine("recording", "perf record", f"{text}, with libpfm")
    text += ", without libpfm"
    if host.cpu.vendor != "AuthenticAMD":
        return doctor.fine("recording", "perf record", text)
    return Finding(
        topic="recording",
        name="perf record",
        level=Level.NOTE,
        text=text,
        hint="AMD's event is then given as a raw number (cpu/event=0xc4/k); nothing is lost. "
        "A perf with libpfm: CachyOS's; on Arch build linux-tools with libpfm (AUR: libpfm).",
    )


def btf_findings(runner: Runner, config: Config, host: HostFacts) -> list[Finding]:
    """Say whether BTF, and sched_ext with it, survive the build of the running configuration."""
    if config.kernel.base != "running" or host.kernel_config is None:
        return []
    options = configure.running_config(configure.RunningKernel(release=host.release))
    if "CONFIG_DEBUG_INFO_BTF=y" not in options.splitlines():
        return []
    scx = "CONFIG_SCHED_CLASS_EXT=y" in options.splitlines()
    what = "BTF, and sched_ext with it," if scx else "BTF"
    if runner.which("pahole") is None:
        return [
            Finding(
                topic="configured run",
                name="BTF",
                level=Level.NOTE,
                text=f"{what} will be dropped: pahole is not installed",
                hint="Install it (Arch: pahole, Debian: dwarves).",
            )
        ]
    if config.kernel.lto != "none" and "CONFIG_RUST=y" in options.splitlines():
        return [
            Finding(
                topic="configured run",
                name="BTF",
                level=Level.NOTE,
                text=f"{what} stay, but Kconfig drops Rust: it does not go with BTF and LTO",
                hint="Set kernel.lto=none if this machine needs drivers written in Rust.",
            )
        ]
    hint = "If a scheduler of sched_ext fails to load, build with kernel.lto=none." if scx else ""
    text = f"{what} can be made: pahole is installed"
    return [Finding(topic="configured run", name="BTF", level=Level.FINE, text=text, hint=hint)]
