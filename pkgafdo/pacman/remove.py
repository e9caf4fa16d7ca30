"""Removing packages, from the system or from a root of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.pacman import program
from pkgafdo.pacman.database import SYSTEM
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def remove_command(names: Sequence[str], *, root: Path = SYSTEM) -> Command:
    """Return the command that removes packages; pacman refuses where others depend on them."""
    place = (
        () if root == SYSTEM else ("--root", str(root), "--dbpath", str(root / "var/lib/pacman"))
    )
    return Command(
        argv=("pacman", "-R", "--noconfirm", "--noprogressbar", *place, "--", *names),
        run_as=RunAs.ROOT,
        hint=program.PACMAN_HINT,
        on_failure="Remove what depends on them first, or name those packages too.",
    )
