"""Choosing one LLVM whose parts are all there and belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pkgafdo import log
from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pkgafdo.runner.base import Runner
    from pkgafdo.toolchain.settings import ToolchainSettings

Version = tuple[int, int, int]

BUILD_TOOLS: Final = (
    "clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-objdump", "llvm-readelf",
    "llvm-strip",
)  # fmt: skip
"""What `make LLVM=…` calls (the kernel's Makefile and Documentation/kbuild/llvm.rst)."""
PROFILE_TOOLS: Final = ("llvm-profgen", "llvm-profdata")
OLDEST: Final = 17
"""CONFIG_AUTOFDO_CLANG depends on clang 17 (the kernel's arch/Kconfig)."""
_SUFFIXES: Final = range(30, OLDEST - 1, -1)
_VERSION: Final = re.compile(r"(?:version|LLD) (\d+)\.(\d+)\.(\d+)")
_MIXED: Final = "of another LLVM"
ONE_VERSION: Final = "On Arch, `pacman -Syu` brings all parts to one version."
_PACKAGES: Final = "Arch: clang, lld, llvm; Debian: clang-19, lld-19, llvm-19 or newer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One LLVM that was found: where its programs are, their versions, what is wrong with it."""

    make_value: str
    tools: Mapping[str, str]
    versions: Mapping[str, Version]
    faults: tuple[str, ...]

    @property
    def mixture(self) -> str:
        """Which of its parts are of another version, empty when they belong together."""
        return ", ".join(fault for fault in self.faults if _MIXED in fault)

    @property
    def converts(self) -> bool:
        """Whether it brings the programs that make profiles."""
        return all(name in self.tools for name in PROFILE_TOOLS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The LLVM to use, and those passed over whose parts are of different versions."""

    toolchain: Toolchain
    mixed: tuple[Candidate, ...]


def make_values(llvm: str) -> tuple[str, ...]:
    """Return the values for `make LLVM=…` to look at, best first."""
    if llvm == "auto":
        return ("1", *(f"-{suffix}" for suffix in _SUFFIXES))
    if llvm == "1":
        return ("1",)
    if re.fullmatch(r"-?\d+", llvm):
        return (f"-{llvm.lstrip('-')}",)
    if PurePosixPath(llvm).is_absolute():
        return (llvm.rstrip("/") + "/",)
    raise ConfigError(
        f"toolchain.llvm is “{llvm}”, which is no version and no absolute folder",
        hint="Use `auto`, a version such as `19`, or a folder such as `/usr/lib/llvm-19/bin`.",
    )


def program_name(tool: str, make_value: str) -> str:
    """Return what a tool is called under a value of `make LLVM=…`."""
    if make_value == "1":
        return tool
    return tool + make_value if make_value.startswith("-") else make_value + tool


def parse_version(text: str) -> Version | None:
    """Parse what an LLVM program prints for --version."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def version_command(tool: str, place: str) -> Command:
    """Return the command that makes a tool tell its version; llvm-profdata 14 … needs a verb."""
    verb = ("merge",) if tool == "llvm-profdata" else ()
    return Command(argv=(place, *verb, "--version"), accept=frozenset(range(256)))


def inspect(runner: Runner, make_value: str) -> Candidate | None:
    """Look at the programs behind a value of `make LLVM=…`; None when none of them is there."""
    places = {
        tool: runner.which(program_name(tool, make_value)) for tool in BUILD_TOOLS + PROFILE_TOOLS
    }
    tools = {tool: place for tool, place in places.items() if place is not None}
    if not tools:
        return None
    missing = [program_name(tool, make_value) for tool in BUILD_TOOLS if tool not in tools]
    asked = {"clang"} if missing else set(tools)
    versions = {
        tool: parse_version(runner.query(version_command(tool, place)).stdout)
        for tool, place in tools.items()
        if tool in asked
    }
    known = {tool: version for tool, version in versions.items() if version is not None}
    return Candidate(
        make_value=make_value,
        tools=tools,
        versions=known,
        faults=(
            *([f"{', '.join(missing)} not installed"] if missing else []),
            *(f"{tools[tool]} told no version" for tool in versions if tool not in known),
            *_version_faults(known),
        ),
    )


def _version_faults(versions: Mapping[str, Version]) -> list[str]:
    clang = versions.get("clang")
    if clang is None:
        return []
    faults = [
        f"{tool} {_dotted(version)} is {_MIXED} than clang {_dotted(clang)}"
        for tool, version in versions.items()
        if version[0] != clang[0]
    ]
    if clang[0] < OLDEST:
        faults.append(f"clang {_dotted(clang)} is too old: AutoFDO needs {OLDEST} or newer")
    return faults


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def select(runner: Runner, settings: ToolchainSettings) -> Toolchain:
    """Return the LLVM to use, and say which newer one it is not; raises as `choose` does."""
    choice = choose(runner, settings)
    for one in choice.mixed:
        if one.versions["clang"] > choice.toolchain.version:
            log.note(
                f"LLVM {_dotted(choice.toolchain.version)} is used, not LLVM={one.make_value}: "
                f"{one.mixture}. {ONE_VERSION}"
            )
    return choice.toolchain


def choose(runner: Runner, settings: ToolchainSettings) -> Choice:
    """Return the first LLVM that is whole, one that can make profiles before one that cannot.

    Raises HostError that says what was found and what is wrong with it.
    """
    seen: list[Candidate] = []
    for make_value in make_values(settings.llvm):
        candidate = inspect(runner, make_value)
        if candidate is None:
            continue
        if not candidate.faults and candidate.converts:
            return _choice(candidate, seen)
        seen.append(candidate)
    whole = [candidate for candidate in seen if not candidate.faults]
    if whole:
        return _choice(whole[0], seen)
    raise _refusal(settings.llvm, seen)


def _choice(candidate: Candidate, seen: Iterable[Candidate]) -> Choice:
    mixed = tuple(one for one in seen if one.mixture)
    return Choice(toolchain=_toolchain(candidate), mixed=mixed)


def _toolchain(candidate: Candidate) -> Toolchain:
    return Toolchain(
        make_value=candidate.make_value,
        version=candidate.versions["clang"],
        tools=dict(candidate.tools),
    )


def _refusal(llvm: str, seen: list[Candidate]) -> HostError:
    asked = {"auto": "", "1": " without a suffix"}.get(llvm, f" {llvm}")
    if not seen:
        return HostError(f"no LLVM{asked} is installed", hint=f"Install it ({_PACKAGES}).")
    lines = [f"LLVM={one.make_value}: {fault}" for one in seen for fault in one.faults]
    hint = f"Install all parts of one LLVM ({_PACKAGES}), or name its folder in toolchain.llvm."
    if any(one.mixture for one in seen):
        hint += f" {ONE_VERSION}"
    message = f"no usable LLVM{asked} is installed"
    if len(lines) == 1:  # One fault is the whole story, several need a heading.
        message += f": {seen[0].faults[0]}"
    return HostError(message, details="\n".join(lines), hint=hint)
