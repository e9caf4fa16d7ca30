"""What llvm-profdata tells about a profile: commands and parsers of their output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pathlib import Path

_NO_FUNCTION: Final = " "
"""A name that no function has: with it llvm-profdata leaves the bodies out, megabytes of them."""

_HOT_LINE: Final = re.compile(r"^ ?(\d+) \(\s*[\d.]+%\)\s+(\d+)\s+(\d+)\s+(\S.*)$")
_FUNCTION_LINE: Final = re.compile(r"^Function: (.+): (\d+), (\d+), (\d+) sampled lines?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionCount:
    """One function of a profile: its total, largest and entry counts."""

    name: str
    total: int
    largest: int
    entry: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileSummary:
    """A profile's totals, and its hot functions in descending order of their totals."""

    functions: int
    samples: int
    largest_function: int
    largest_block: int
    blocks: int
    hot: tuple[FunctionCount, ...]


def summary_command(profdata: str, profile: Path) -> Command:
    """Return the command that prints a profile's totals and hot functions, without any body."""
    return Command(
        argv=(
            profdata,
            "show",
            "--sample",
            "--detailed-summary",
            "--hot-func-list",
            f"--function={_NO_FUNCTION}",
            str(profile),
        )
    )


def functions_command(profdata: str, profile: Path) -> Command:
    """Return the command that prints each function of a profile (with its body)."""
    return Command(argv=(profdata, "show", "--sample", str(profile)))


def parse_summary(text: str) -> ProfileSummary:
    """Parse what `summary_command` prints; ArtifactError when a total is missing.

    The largest block is taken from the hot functions, of which one has it: LLVM 23 prints 0 for it,
    under another name.
    """
    hot = tuple(_hot(match) for match in map(_HOT_LINE.match, text.splitlines()) if match)
    return ProfileSummary(
        functions=_total(text, "Total functions"),
        samples=_total(text, "Total count"),
        largest_function=_total(text, "Maximum function count"),
        largest_block=max((function.largest for function in hot), default=0),
        blocks=_total(text, "Total number of blocks"),
        hot=hot,
    )


def parse_functions(text: str) -> dict[str, int]:
    """Parse what `functions_command` prints into the total count of each function."""
    matches = map(_FUNCTION_LINE.match, text.splitlines())
    return {match[1]: int(match[2]) for match in matches if match}


def _hot(match: re.Match[str]) -> FunctionCount:
    return FunctionCount(
        name=match[4], total=int(match[1]), largest=int(match[2]), entry=int(match[3])
    )


def _total(text: str, name: str) -> int:
    match = re.search(rf"^{name}: (\d+)$", text, re.MULTILINE)
    if match is None:
        raise ArtifactError(
            f"llvm-profdata did not print “{name}” for the profile",
            details="\n".join(text.splitlines()[:10]),
            hint="Is it a sample profile that clang of the same LLVM can read?",
        )
    return int(match[1])
