"""The lines of the page about LLVM, pyalpm and BTF: what trying them showed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import PkgafdoError
from pkgafdo.host import doctor, tools
from pkgafdo.host.doctor import Finding, Level
from pkgafdo.kernel import configure
from pkgafdo.pacman import alpm
from pkgafdo.toolchain import abilities, select
from pkgafdo.vm.virtme import find_virtme

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.host.tools import ToolFinding
    from pkgafdo.runner.base import Runner

_LLVM_PACKAGES: Final = "Arch: clang, lld, llvm; Debian: clang-19, lld-19, llvm-19 or newer"


def as_run_finds(
    checked: Iterable[ToolFinding], runner: Runner, toolchain: Toolchain | None
) -> Iterator[ToolFinding]:
    """Yield the tools where a run takes them from: an LLVM's from the chosen one, vng's beside us.

    What the chosen LLVM has not is told with its abilities.
    """
    for one in checked:
        if one.tool.name in tools.LLVM and toolchain is not None:
            if one.tool.name in toolchain.tools:
                yield replace(one, path=toolchain.tools[one.tool.name])
        elif one.tool.name == "vng":
            yield replace(one, path=find_virtme(runner, Path(sys.executable).parent))
        else:
            yield one


def pyalpm_finding() -> Finding:
    """Say whether pacman's database is read by pyalpm, or by asking pacman."""
    why = alpm.why_not()
    if not why:
        return doctor.fine("tools", "pyalpm", "usable")
    return Finding(
        topic="tools",
        name="pyalpm",
        level=Level.NOTE,
        text=f"not usable ({why.splitlines()[0]}): pacman is asked instead",
        hint="Nothing is lost. It comes with the pacman that it was built for (Arch: pyalpm; Debian: "
        "python3-pyalpm).",
    )


def llvm_findings(runner: Runner, config: Config) -> tuple[list[Finding], Toolchain | None]:
    """Say which LLVM will be used, what it can do, and which others do not belong together."""
    try:
        choice = select.choose(runner, config.toolchain)
    except PkgafdoError as error:
        return [doctor.refused("toolchain", "LLVM", error)], None
    chosen = choice.toolchain
    version = ".".join(str(part) for part in chosen.version)
    return [
        doctor.fine("toolchain", "LLVM", f"{version} (make LLVM={chosen.make_value})"),
        *(
            Finding(
                topic="toolchain",
                name=f"LLVM={one.make_value}",
                level=Level.NOTE,
                text=one.mixture,
                hint=f"It is not used. Install all parts of one LLVM ({_LLVM_PACKAGES}). "
                f"{select.ONE_VERSION}",
            )
            for one in choice.mixed
        ),
        *_abilities(runner, config, chosen),
    ], chosen


def _abilities(runner: Runner, config: Config, chosen: Toolchain) -> list[Finding]:
    can = abilities.probe(runner, chosen)
    needed = {"autofdo"} | ({"thinlto"} if config.kernel.lto.startswith("thin") else set())
    address_map = can.clang & {"bb-sections-labels", "bb-address-map"}
    wanting = sorted(needed - can.clang)
    if config.propeller.enable and not address_map:
        wanting.append("bb-address-map")
    if not config.profile.file:
        wanting += [name for name in select.PROFILE_TOOLS if name not in chosen.tools]
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
