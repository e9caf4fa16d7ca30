"""Comparing two profiles: llvm-profdata's overlap, functions gained and lost, biggest movers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkgafdo.errors import ArtifactError, CommandError
from pkgafdo.profile.info import read_info
from pkgafdo.profile.show import functions_command, parse_functions
from pkgafdo.profile.tools import PACKAGES, require_tool
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlap:
    """How much two profiles agree, each from 0 to 1.

    similarity compares functions as shares of their profile, so that a longer run of the same
    workload still has 1; samples compares the counts as they are.
    """

    similarity: float
    samples: float
    functions: float
    hot_functions: float
    hot_blocks: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Mover:
    """A function whose share of its profile's total changed."""

    name: str
    before: float
    after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two profiles side by side; gained and lost are in descending order of their totals."""

    overlap: Overlap
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    movers: tuple[Mover, ...]


def overlap_command(profdata: str, base: Path, test: Path) -> Command:
    """Return the command that compares two sample profiles."""
    return Command(argv=(profdata, "overlap", "--sample", str(base), str(test)), hint=PACKAGES)


def parse_overlap(text: str) -> Overlap:
    """Parse what `overlap_command` prints; ArtifactError when one of the profiles is empty."""
    return Overlap(
        similarity=_share(text, "Whole program profile similarity"),
        samples=_share(text, "Whole program sample overlap"),
        functions=_share(text, "Function overlap"),
        hot_functions=_share(text, "Hot-function overlap"),
        hot_blocks=_share(text, "Hot-block overlap"),
    )


def compare_profiles(
    runner: Runner, toolchain: Toolchain, base: Path, test: Path, *, movers: int = 20
) -> Comparison:
    """Compare two profiles; `movers` limits the list of functions whose share changed most.

    Raises ArtifactError when one of them is absent, or no sample profile.
    """
    profdata = require_tool(toolchain, "llvm-profdata")
    try:
        overlap = parse_overlap(runner.query(overlap_command(profdata, base, test)).stdout)
    except CommandError:
        for path in (base, test):  # which of them is no profile?
            read_info(runner, toolchain, path)
        raise
    before, after = (
        parse_functions(runner.query(functions_command(profdata, path)).stdout)
        for path in (base, test)
    )
    return Comparison(
        overlap=overlap,
        gained=_only_in(after, before),
        lost=_only_in(before, after),
        movers=biggest_movers(before, after, most=movers),
    )


def biggest_movers(
    before: Mapping[str, int], after: Mapping[str, int], *, most: int
) -> tuple[Mover, ...]:
    """Return the functions of both profiles whose share changed most, largest change first."""
    total_before, total_after = sum(before.values()) or 1, sum(after.values()) or 1
    found = [
        Mover(name=name, before=before[name] / total_before, after=after[name] / total_after)
        for name in before.keys() & after.keys()
    ]
    found.sort(key=lambda mover: (-abs(mover.after - mover.before), mover.name))
    return tuple(mover for mover in found[:most] if mover.after != mover.before)


def _only_in(one: Mapping[str, int], other: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(one.keys() - other.keys(), key=lambda name: (-one[name], name)))


def _share(text: str, name: str) -> float:
    match = re.search(rf"^\s*{name}: ([\d.]+)%$", text, re.MULTILINE)
    if match is None:
        raise ArtifactError(
            "The two profiles cannot be compared",
            details="\n".join(text.splitlines()[:5]),
            hint="llvm-profdata compares sample profiles that are not empty.",
        )
    return float(match[1]) / 100
