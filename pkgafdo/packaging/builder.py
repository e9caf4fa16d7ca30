"""Folders that the unprivileged build user can write to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pkgafdo import files

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.runner.local import Builder


def give(path: Path, builder: Builder | None) -> None:
    """Make a folder or file the build user's, so that the build can write there."""
    if builder is not None:
        os.chown(path, builder.uid, builder.gid)


def make_folder(path: Path, kind: str, builder: Builder | None) -> Path:
    """Create, or accept, a marked folder that the build user can write to and reach.

    Raises ConfigError when the folder belongs to something else.
    """
    files.mark_folder(path, kind)
    give(path, builder)
    return path
