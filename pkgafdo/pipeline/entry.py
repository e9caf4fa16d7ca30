"""What is remembered of a finished stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pkgafdo import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRecord:
    """A file as it was when its stage finished: path, SHA-256 (hex), bytes, mtime in nanoseconds."""

    path: Path
    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What the journal keeps of one finished stage.

    program_seconds is the part of `seconds` that other programs took; the rest is our own.
    """

    stage: str
    recipe: Mapping[str, Any]
    inputs: Mapping[str, str]
    files: Mapping[str, FileRecord]
    facts: Mapping[str, Any]
    commands: tuple[str, ...]
    seconds: float
    started: str
    version: str
    program_seconds: float = 0.0

    @property
    def began(self) -> str:
        """When the stage began, in whole seconds; `started` is finer, to tell the order of stages."""
        return re.sub(r"\.\d+", "", self.started)

    def digest_of(self, name: str) -> str:
        """Return what identifies an output: a file's SHA-256, or that of a fact's JSON."""
        if name in self.files:
            return self.files[name].sha256
        return files.sha256_json(self.facts[name])
