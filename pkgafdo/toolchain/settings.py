"""What a user can say about the compiler."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class ToolchainSettings:
    """Which LLVM builds the kernel and converts the profile."""

    llvm: str = "auto"
    """`auto`, a version such as `19` (programs with that suffix), or the folder of the programs."""
