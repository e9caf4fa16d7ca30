"""What a user may set about converting and judging profiles."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class ProfileSettings:
    """Where the profile comes from, and when it is good enough to build a kernel with."""

    file: str = ""
    """A profile from elsewhere to build with; then nothing is recorded or converted here."""

    min_functions: int = Field(default=100, ge=0)
    """A profile that names fewer functions is refused."""

    min_samples: int = Field(default=10_000, ge=0)
    """A profile with a smaller total count is refused."""

    min_found_share: float = Field(default=0.9, ge=0, le=1)
    """The share of the kernel's branch counts that must begin in a function of vmlinux."""

    create_llvm_prof_url: str = ""
    """A mirror of the pinned create_llvm_prof release; its sha256 stays the same."""
