"""What the programs of an LLVM can do, found by trying."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain
    from pkgafdo.runner.base import Runner

_ANY_EXIT: Final = frozenset(range(256))
_UNKNOWN: Final = re.compile(r"Unknown command line argument '(--?[\w-]+)")

PROFGEN_OPTIONS: Final = {
    "--kernel": "--kernel",
    "--unsymbolized-profile": "--unsymbolized-profile=none",
    "--use-offset": "--use-offset=0",
    "--skip-symbolization": "--skip-symbolization",
    "--format": "--format=extbinary",
    "--perf-binary": "--perf-binary=none",
    "--time-profgen": "--time-profgen",
}
"""Options that we use where they exist, and how they are spelled in a trial."""
CONVERSION_OPTIONS: Final = ("--kernel", "--unsymbolized-profile", "--use-offset", "--format")
"""Without these, counts of a kernel cannot be converted (they came together in LLVM 19)."""

CLANG_OPTIONS: Final = {
    "autofdo": (
        *("-fdebug-info-for-profiling", "-mllvm", "-enable-fs-discriminator=true"),
        *("-mllvm", "-improved-fs-discriminator=true"),
    ),
    "thinlto": ("-flto=thin", "-fsplit-lto-unit"),
    "salvage-stale-profile": ("-mllvm", "-salvage-stale-profile"),
    "split-machine-functions": ("-fsplit-machine-functions",),
    "bb-sections-labels": ("-fbasic-block-sections=labels",),
    "bb-address-map": ("-fbasic-block-address-map",),
}
"""Abilities of the compiler, and the flags that show them (the kernel's scripts/Makefile.autofdo,
Makefile.propeller)."""
TUNING_OPTIONS: Final = (
    # Newell & Pupyrev, "Improved Basic Block Reordering": fewer taken branches than the default order.
    "-enable-ext-tsp-block-placement",
    # The kernel imports at most 5 instructions across files (-import-instr-limit), times 10 where
    # the profile is hot; six times as much lets small hot functions be inlined.
    "-import-hot-multiplier=60",
)
"""LLVM options that act only where there is a profile."""
LAYOUT_OPTIONS: Final = (
    # A power of two: each function starts a line of the L1i instead of ending in another's.
    "-align-all-functions=6",
)
"""LLVM options for a kernel whose functions are laid out; they make its text a tenth larger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """What was found: options that llvm-profgen knows, and names of CLANG_OPTIONS."""

    profgen: frozenset[str]
    clang: frozenset[str]


def profgen_command(program: str) -> Command:
    """Return a command that makes llvm-profgen complain about every option it does not know.

    It always fails, for lack of its required options, before it opens any file. The option list of
    `--help-hidden` will not do: it leaves out `--kernel` and all the others of this table.
    """
    return Command(argv=(program, *PROFGEN_OPTIONS.values()), accept=_ANY_EXIT)


def parse_unknown(text: str) -> frozenset[str]:
    """Parse the options that an LLVM program says it does not know."""
    return frozenset(found[1] for found in _UNKNOWN.finditer(text))


def clang_command(program: str, flags: tuple[str, ...]) -> Command:
    """Return a command that compiles nothing with these flags."""
    return Command(
        argv=(program, *flags, "-c", "-x", "c", "/dev/null", "-o", "/dev/null"), accept=_ANY_EXIT
    )


def probe(runner: Runner, toolchain: Toolchain) -> Abilities:
    """Try what llvm-profgen and clang can do; absent programs can do nothing."""
    return Abilities(
        profgen=probe_profgen(runner, toolchain.tools.get("llvm-profgen")),
        clang=_probe_clang(runner, toolchain.tools["clang"]),
    )


def probe_profgen(runner: Runner, program: str | None) -> frozenset[str]:
    """Try which options of PROFGEN_OPTIONS llvm-profgen knows."""
    if program is None:
        return frozenset()
    result = runner.query(profgen_command(program))
    return frozenset(PROFGEN_OPTIONS) - parse_unknown(result.stdout + result.stderr)


def _probe_clang(runner: Runner, program: str) -> frozenset[str]:
    return frozenset(
        name
        for name, flags in CLANG_OPTIONS.items()
        if runner.query(clang_command(program, flags)).returncode == 0
    )


def tuning_options(*, laid_out: bool) -> tuple[str, ...]:
    """Return the LLVM options for a kernel with a profile, with or without a layout."""
    return TUNING_OPTIONS + LAYOUT_OPTIONS if laid_out else TUNING_OPTIONS


def find_tuning(runner: Runner, toolchain: Toolchain, *, laid_out: bool) -> tuple[str, ...]:
    """Return those of the tuning options that this LLVM knows."""
    clang = toolchain.tools["clang"]
    return tuple(
        option
        for option in tuning_options(laid_out=laid_out)
        if runner.query(clang_command(clang, ("-mllvm", option))).returncode == 0
    )


def require_address_map(runner: Runner, toolchain: Toolchain) -> None:
    """Raise HostError when this clang cannot emit an address map, which Propeller lays out from."""
    clang = toolchain.tools["clang"]
    spellings = [CLANG_OPTIONS[name] for name in ("bb-address-map", "bb-sections-labels")]
    if all(runner.query(clang_command(clang, flags)).returncode for flags in spellings):
        raise HostError(
            f"{clang} cannot emit a map of basic blocks, which Propeller needs",
            details="It refuses "
            + " and ".join(flag for flags in spellings for flag in flags)
            + ".",
            hint="Install LLVM 19 or newer (Arch: clang, lld; Debian: clang-19, lld-19), or run "
            "without Propeller (propeller.enable=false).",
        )


def require_conversion(runner: Runner, toolchain: Toolchain) -> str:
    """Return the llvm-profgen that can convert a kernel's counts; raises HostError otherwise."""
    program = toolchain.tools.get("llvm-profgen")
    lacking = set(CONVERSION_OPTIONS) - probe_profgen(runner, program)
    if program is None or "llvm-profdata" not in toolchain.tools:
        what = "llvm-profgen and llvm-profdata are not both installed"
    elif lacking:
        what = f"{program} is too old: it lacks {', '.join(sorted(lacking))}"
    else:
        return program
    raise HostError(
        what,
        details=f"clang is {'.'.join(map(str, toolchain.version))}.",
        hint="Install LLVM 19 or newer (Arch: llvm; Debian: llvm-19 with clang-19 and lld-19).",
    )
