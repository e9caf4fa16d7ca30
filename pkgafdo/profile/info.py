"""What a profile file holds: its totals, hot functions and provenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import files
from pkgafdo.errors import ArtifactError, CommandError
from pkgafdo.profile.provenance import find_provenance
from pkgafdo.profile.show import functions_command, parse_functions, parse_summary, summary_command
from pkgafdo.profile.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.profile.provenance import Provenance
    from pkgafdo.profile.show import ProfileSummary
    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable

DENSITY_SHARE: Final = 0.99
"""The share of the samples that makes functions hot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileInfo:
    """A profile as it lies on disk."""

    sha256: str
    size: int
    summary: ProfileSummary
    provenance: Provenance | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How much of a kernel a profile speaks of.

    functions and code_bytes are the kernel's; profiled_functions and profiled_bytes the part whose
    names the profile has; foreign counts names of the profile that this kernel does not have.
    """

    functions: int
    profiled_functions: int
    code_bytes: int
    profiled_bytes: int
    foreign: int


def read_info(runner: Runner, toolchain: Toolchain, profile: Path) -> ProfileInfo:
    """Read a profile's totals and provenance; ArtifactError when it is no sample profile."""
    profdata = require_tool(toolchain, "llvm-profdata")
    if not profile.is_file():
        raise ArtifactError(f"There is no profile {profile}", hint="Check the path.")
    try:
        text = runner.query(summary_command(profdata, profile)).stdout
    except CommandError as error:
        raise ArtifactError(
            f"{profile} is not a sample profile",
            details=error.details,
            hint="Give a file that `pkgafdo profile convert` or llvm-profgen wrote.",
        ) from error
    return ProfileInfo(
        sha256=files.sha256_file(profile),
        size=profile.stat().st_size,
        summary=parse_summary(text),
        provenance=find_provenance(profile),
    )


def read_functions(runner: Runner, toolchain: Toolchain, profile: Path) -> dict[str, int]:
    """Read the total count of each function of a profile."""
    profdata = require_tool(toolchain, "llvm-profdata")
    return parse_functions(runner.query(functions_command(profdata, profile)).stdout)


def cover(names: Iterable[str], symbols: SymbolTable) -> Coverage:
    """Compare a profile's function names with the functions of a kernel."""
    functions = symbols.functions()
    known = [plain_name(name) for name in symbols.names(functions)]
    wanted = set(names)
    # Aliases share an address: each piece of code counts once, whichever of its names is profiled.
    starts, place = np.unique(symbols.address[functions], return_inverse=True)
    sizes = np.zeros(len(starts), dtype=np.uint64)
    np.maximum.at(sizes, place, symbols.size[functions])
    profiled = np.zeros(len(starts), dtype=bool)
    np.logical_or.at(profiled, place, np.array([name in wanted for name in known], dtype=bool))
    return Coverage(
        functions=len(starts),
        profiled_functions=int(profiled.sum()),
        code_bytes=int(sizes.sum()),
        profiled_bytes=int(sizes[profiled].sum()),
        foreign=len(wanted.difference(known)),
    )


def plain_name(name: str) -> str:
    """Return a symbol's name as profiles write it, without what the compiler appended.

    ThinLTO appends `.llvm.<hash>`, partial inlining `.part.<n>` (llvm's SampleProf.h,
    getCanonicalFnName), function splitting `.cold`.
    """
    for suffix in (".llvm.", ".part."):
        name = name.partition(suffix)[0]
    return name.removesuffix(".cold")


def density(totals: Mapping[str, int], symbols: SymbolTable) -> float:
    """Return how many samples a byte of code has, in the sparsest of the hot functions.

    Hot are the densest functions that have 99 % of the samples together, as llvm-profgen's
    --show-density has it (llvm's ProfileGenerator.cpp). 0 when no function is known.
    """
    functions = symbols.functions()
    sizes: dict[str, int] = {}
    for name, size in zip(symbols.names(functions), symbols.size[functions].tolist(), strict=True):
        plain = plain_name(name)
        sizes[plain] = sizes.get(plain, 0) + size
    known = [(count, sizes[name]) for name, count in totals.items() if sizes.get(name)]
    enough = DENSITY_SHARE * sum(count for count, _ in known)
    seen = 0
    for count, size in sorted(known, key=lambda pair: -pair[0] / pair[1]):
        seen += count
        if seen >= enough:
            return count / size
    return 0.0
