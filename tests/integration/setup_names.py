"""The packages that scripts/setup names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pkgafdo.host.facts import Family

SCRIPT: Final = Path(__file__).parents[2] / "scripts/setup"


def rows(family: Family) -> list[tuple[list[str], str]]:
    """Return the lines of a family's table that name packages: the names, and what is noted of them."""
    text = SCRIPT.read_text(encoding="utf-8")
    lines = text.partition(f"{family.upper()}_PACKAGES=(\n")[2].partition("\n)\n")[0].splitlines()
    parts = (line.partition("#") for line in lines)
    return [(names.split(), note.strip()) for names, _, note in parts if names.strip()]


def named(family: Family) -> list[str]:
    """Return a family's packages, in order."""
    return [name for names, _ in rows(family) for name in names]
