"""Markdown's small parts: lines, cells, tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def line(text: str) -> str:
    """Return a text on one line."""
    return re.sub(r"[\s]+", " ", text, flags=re.ASCII).strip()


def cell(text: object) -> str:
    """Return a text for a table's cell."""
    return line(str(text)).replace("|", "\\|")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> Iterator[str]:
    """Yield a table; the first `left` columns are texts, the others numbers."""
    yield ""
    yield f"| {' | '.join(map(cell, head))} |"
    yield "|" + "---|" * left + "---:|" * (len(head) - left)
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"
