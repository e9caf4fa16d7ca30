"""How much of a profile still fits a newer kernel: its functions, their lines, and a verdict."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.info import plain_name
from pkgafdo.profile.module_link import find_module_files, link_module, place_anywhere
from pkgafdo.profile.source_lines import read_source_lines
from pkgafdo.profile.text import hottest, parse_bodies, text_command
from pkgafdo.profile.tools import require_tool, sibling_tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.profile.source_lines import SourceLines
    from pkgafdo.profile.text import FunctionBody
    from pkgafdo.runner.base import Runner

JUDGED_SHARE: Final = 0.99
"""Lines are looked up for the functions that have this share of the samples together."""


class Verdict(StrEnum):
    """What a profile is still worth."""

    FRESH = "fresh"
    USABLE = "usable"
    STALE = "stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """The least shares of the samples that must find their function, and their line."""

    functions: float
    lines: float


THRESHOLDS: Final = {
    Verdict.FRESH: Threshold(functions=0.98, lines=0.95),
    Verdict.USABLE: Threshold(functions=0.90, lines=0.75),
}
"""Best first. Another build of the same source keeps 98 % of the lines or more: optimisation hides
a few. Below three quarters, most functions have changed, and clang drops or misplaces the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """What part of a profile's samples finds its place; shares are from 0 to 1.

    functions and functions_found count the profile's functions; function_share weighs them by
    samples. Of the hottest functions, line_share is the part of the samples whose line has code
    now, range_share the part whose line lies between the function's first and last. lost are the
    functions that are gone, moved those whose lines are, with the share of all samples lost so.
    """

    verdict: Verdict
    samples: int
    functions: int
    functions_found: int
    function_share: float
    line_share: float
    range_share: float
    lost: tuple[tuple[str, float], ...]
    moved: tuple[tuple[str, float], ...]


def measure_drift(
    runner: Runner,
    toolchain: Toolchain,
    profile: Path,
    vmlinux: Path,
    *,
    objects: Path | None = None,
    most: int = 20,
) -> Drift:
    """Compare a profile with a kernel, and with the modules of its build folder `objects`.

    `most` limits the lists of functions. Raises ArtifactError when the profile is empty or the
    kernel has no symbols or line tables.
    """
    profdata = require_tool(toolchain, "llvm-profdata")
    symbolizer = sibling_tool(runner, toolchain, "llvm-symbolizer")
    bodies = parse_bodies(runner.query(text_command(profdata, profile)).stdout)
    judged = hottest(bodies, JUDGED_SHARE)
    if not judged:
        raise ArtifactError(f"The profile {profile} has no samples", hint="Convert it again.")
    names = {name for body in judged for name, _, _ in body.lines}
    source = read_source_lines(runner, symbolizer, vmlinux, names)
    missing = {body.name for body in bodies} - source.functions
    if objects is not None and missing:
        lld = require_tool(toolchain, "ld.lld")
        for ko in _modules_with(missing, objects):
            with tempfile.TemporaryDirectory(prefix="pkgafdo-") as folder:
                linked = link_module(runner, lld, ko, place_anywhere(ko), folder=Path(folder))
                source.add(read_source_lines(runner, symbolizer, linked, names))
    return compare_lines(bodies, judged, source, most=most)


def _modules_with(functions: AbstractSet[str], objects: Path) -> Iterator[Path]:
    """Yield the unstripped .ko files that have one of the functions."""
    for ko in find_module_files(objects).values():
        symbols = elf.symbols(ko)
        names = symbols.names(symbols.functions())
        if elf.has_line_tables(ko) and not functions.isdisjoint(map(plain_name, names)):
            yield ko


def compare_lines(
    bodies: Sequence[FunctionBody],
    judged: Sequence[FunctionBody],
    source: SourceLines,
    *,
    most: int,
) -> Drift:
    """Weigh the profile's functions by what a kernel has of them; pure."""
    lines, known = source.lines, source.functions
    samples = sum(body.samples for body in bodies) or 1
    lost = {body.name: body.samples / samples for body in bodies if body.name not in known}
    last = {name: max(offsets) for name, offsets in lines.items()}
    with_code = in_range = total = 0
    moved = {}
    for body in judged:
        code = sum(n for name, line, n in body.lines if line in lines.get(name, ()))
        with_code += code
        in_range += sum(n for name, line, n in body.lines if line <= last.get(name, -1))
        total += body.samples
        if body.name in known:
            moved[body.name] = (body.samples - code) / samples
    shares = Threshold(functions=1 - sum(lost.values()), lines=with_code / max(1, total))
    return Drift(
        verdict=verdict_of(shares),
        samples=samples,
        functions=len(bodies),
        functions_found=len(bodies) - len(lost),
        function_share=shares.functions,
        line_share=shares.lines,
        range_share=in_range / max(1, total),
        lost=_largest(lost, most),
        moved=_largest(moved, most),
    )


def verdict_of(shares: Threshold) -> Verdict:
    """Return the best verdict whose thresholds both shares reach."""
    for verdict, least in THRESHOLDS.items():
        if shares.functions >= least.functions and shares.lines >= least.lines:
            return verdict
    return Verdict.STALE


def _largest(shares: dict[str, float], most: int) -> tuple[tuple[str, float], ...]:
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name, share) for name, share in ordered[:most] if share > 0)
