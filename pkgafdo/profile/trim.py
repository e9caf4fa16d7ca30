"""Leaving a profile's coldest functions out, through the text form of LLVM's own tool."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo.errors import ConfigError
from pkgafdo.profile.conversion import adopt_profile
from pkgafdo.profile.show import parse_summary, summary_command
from pkgafdo.profile.text import parse_body, split_functions, text_command
from pkgafdo.profile.tools import PACKAGES, require_tool
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.artifacts import SampleProfile, Toolchain
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Trimmed:
    """A trimmed profile; dropped counts the functions left out, kept_share the samples kept."""

    profile: SampleProfile
    dropped: int
    kept_share: float


def sections_command(profdata: str, profile: Path) -> Command:
    """Return the command that prints the sections of an extbinary profile with their flags."""
    return Command(
        argv=(profdata, "show", "--sample", "--show-sec-info-only", str(profile)),
        accept=frozenset({0, 1}),  # other formats have no sections
    )


def from_text_command(profdata: str, text: Path, output: Path, *, is_fs: bool) -> Command:
    """Return the command that turns a profile's text into extbinary.

    The text does not say whether its discriminators are flow-sensitive; without that flag clang
    would misread those of an AutoFDO kernel.
    """
    return Command(
        argv=(
            profdata,
            "merge",
            "--sample",
            "--extbinary",
            *(("--profile-isfs",) if is_fs else ()),
            f"--output={output}",
            str(text),
        ),
        hint=PACKAGES,
    )


def trim_profile(
    runner: Runner, toolchain: Toolchain, profile: Path, *, least_share: float, folder: Path
) -> Trimmed:
    """Keep the functions with at least a share of all samples, as `kernel-<digest>.afdo`.

    Raises ConfigError when the share is no share or no function reaches it.
    """
    if not 0 < least_share < 1:
        raise ConfigError(
            f"{least_share} is not a share of the samples", hint="Example: 0.0001 for 0.01 %."
        )
    profdata = require_tool(toolchain, "llvm-profdata")
    text, dropped, kept_share = trim_text(
        runner.query(text_command(profdata, profile)).stdout, least_share
    )
    if not text:
        raise ConfigError(
            f"No function of {profile} has {least_share:.2%} of its samples",
            hint="Name a smaller share.",
        )
    is_fs = "fs-discriminator" in runner.query(sections_command(profdata, profile)).stdout
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".trim.") as name:
        kept, output = Path(name, "kept.txt"), Path(name, "kernel.afdo")
        kept.write_text(text, encoding="utf-8")
        runner.run(from_text_command(profdata, kept, output, is_fs=is_fs))
        summary = parse_summary(runner.query(summary_command(profdata, output)).stdout)
        trimmed = adopt_profile(
            output, folder, functions=summary.functions, samples=summary.samples
        )
    return Trimmed(profile=trimmed, dropped=dropped, kept_share=kept_share)


def trim_text(text: str, least_share: float) -> tuple[str, int, float]:
    """Return the text of the functions to keep, how many are left out, and the share kept; pure."""
    functions = [(parse_body(lines).total, lines) for lines in split_functions(text)]
    total = sum(count for count, _ in functions)
    kept = [(count, lines) for count, lines in functions if count >= least_share * total > 0]
    share = sum(count for count, _ in kept) / total if total else 0.0
    joined = "".join(f"{line}\n" for _, lines in kept for line in lines)
    return joined, len(functions) - len(kept), share
