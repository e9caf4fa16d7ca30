"""Which format a sample profile has, from its first bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC: Final = int.from_bytes(b"SPROF42\0", "big")
"""llvm/ProfileData/SampleProf.h: SPMagic(), with the format in the lowest byte."""
_FORMATS: Final = {0x04: "extbinary", 0xFF: "binary"}
_TEXT: Final = re.compile(
    rb"(?:(?:#[^\n]*)?\r?\n)*"  # llvm's line_iterator passes over these, but not where they are indented
    rb"[^\s:#][^\n:]*(:[^\n:]+)*:\d+:\d+\r?\n"
)
_HEAD: Final = 4096


def format_of(head: bytes) -> str | None:
    """Return the format that clang reads: extbinary, binary or text; None when it is none."""
    value = shift = 0
    for byte in head[:10]:  # ULEB128
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    if value & ~0xFF == _MAGIC:
        return _FORMATS.get(value & 0xFF)
    return "text" if _TEXT.match(head) else None


def require_profile(path: Path) -> bytes:
    """Return a sample profile's bytes; raises ArtifactError when it is none, or empty."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"the profile {path} cannot be read", details=str(error), hint="Check the path."
        ) from error
    if not content:
        raise ArtifactError(f"the profile {path} is empty", hint="Check where it comes from.")
    if format_of(content[:_HEAD]) is None:
        raise ArtifactError(
            f"{path} is no sample profile",
            details=f"It begins with {content[:8]!r}.",
            hint="Recordings are converted with `pkgafdo profile convert`.",
        )
    return content
