"""Merging profiles with llvm-profdata."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ConfigError
from pkgafdo.profile.conversion import adopt_profile
from pkgafdo.profile.show import parse_summary, summary_command
from pkgafdo.profile.tools import PACKAGES, require_tool
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.artifacts import SampleProfile, Toolchain
    from pkgafdo.runner.base import Runner

_ENOUGH: Final = 50
"""With this common factor rounding to integers changes no weight by more than 1 %."""
_LARGEST_TOTAL: Final = 1 << 63
"""llvm-profdata counts in 64 bits, and lets what is more stay at the top."""

BATCH: Final = 32 << 20
"""Bytes of profiles that are merged at once.

llvm-profdata keeps all that it has read until it ends, in about 28 times the size of the files (LLVM 19).
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightedProfile:
    """A profile and the integer that its counts are multiplied by."""

    path: Path
    weight: int = 1


def merge_command(profdata: str, inputs: Sequence[WeightedProfile], output: Path) -> Command:
    """Return the command that merges sample profiles.

    Without --sample llvm-profdata expects instrumentation profiles.
    """
    return Command(
        argv=(
            profdata,
            "merge",
            "--sample",
            "--extbinary",
            f"--output={output}",
            *(f"--weighted-input={entry.weight},{entry.path}" for entry in inputs),
        ),
        hint=PACKAGES,
    )


def merge_profiles(
    runner: Runner,
    toolchain: Toolchain,
    inputs: Sequence[WeightedProfile],
    *,
    folder: Path,
    batch: int = BATCH,
) -> SampleProfile:
    """Merge profiles to `kernel-<digest>.afdo` in `folder`, about so many bytes at once.

    Neither the order nor the size of the batches matters, to the byte. Raises ConfigError for
    impossible weights.
    """
    check_inputs(inputs)
    profdata = require_tool(toolchain, "llvm-profdata")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".merge.") as name:
        output = Path(name, "kernel.afdo")
        left, count = list(inputs), 0
        while len(groups := batches(left, batch)) > 1:
            left = []
            for group in groups:
                part = Path(name, f"part-{count}.afdo")
                runner.run(merge_command(profdata, group, part))
                left.append(WeightedProfile(path=part))
                count += 1
        runner.run(merge_command(profdata, left, output))
        summary = parse_summary(runner.query(summary_command(profdata, output)).stdout)
        return adopt_profile(output, folder, functions=summary.functions, samples=summary.samples)


def batches(inputs: Sequence[WeightedProfile], most: int) -> list[list[WeightedProfile]]:
    """Return the inputs in groups of two or more, of about as many bytes as there may be at once."""
    groups: list[list[WeightedProfile]] = [[]]
    held = 0
    for entry in inputs:
        size = entry.path.stat().st_size if entry.path.is_file() else 0
        if len(groups[-1]) > 1 and held + size > most:
            groups.append([])
            held = 0
        groups[-1].append(entry)
        held += size
    if len(groups) > 1 and len(groups[-1]) == 1:
        last = groups.pop()
        groups[-1] += last
    return groups


def check_inputs(inputs: Sequence[WeightedProfile]) -> None:
    """Raise ConfigError when there is nothing to merge or a weight is below one."""
    if not inputs:
        raise ConfigError("There is no profile to merge", hint="Name at least one.")
    for entry in inputs:
        if entry.weight < 1:
            raise ConfigError(
                f"{entry.path} has the weight {entry.weight}",
                hint="Weights are integers of at least 1.",
            )


def normalising_weights(
    samples: Sequence[int], shares: Sequence[int] | None = None, *, most: int = 1000
) -> list[int]:
    """Return weights that give each profile the same total, or totals in the ratio of the shares.

    Weights are integers, so all are multiplied by the smallest common factor that brings each
    within 1 % of what it should be, as far as the merged counts still fit into 64 bits. No profile
    is multiplied by more than `most` times what the largest is: a nearly empty one multiplied
    without limit would bring in its noise.
    """
    largest = max(samples, default=0)
    ratios = [
        share * (min(Fraction(most), Fraction(largest, count)) if count else Fraction(1))
        for share, count in zip(shares or [1] * len(samples), samples, strict=True)
    ]
    total = sum(ratio * count for ratio, count in zip(ratios, samples, strict=True))
    room = max(1, int(_LARGEST_TOTAL / total)) if total else 1
    for factor in range(1, min(_ENOUGH, room) + 1):
        weights = [max(1, round(ratio * factor)) for ratio in ratios]
        pairs = zip(weights, ratios, strict=True)
        if all(abs(weight - ratio * factor) <= ratio * factor / 100 for weight, ratio in pairs):
            break
    return weights
