"""Text that fits a terminal: long lines are broken between words, with their indentation."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

COLUMNS: Final = 80
"""How wide a terminal is taken for that does not say."""
_WORD: Final = re.compile(r"(?:`[^`]*`\S*|\S)+")
"""What stays on one line: a word, and a command in backticks, to be copied whole."""
_NAMED: Final = re.compile(r" *\S+(?: \S+){0,2} {2,}(?=\S)")
"""A name of up to three words in front of its text: what is broken goes on below the text."""
_TEXT: Final = 24
"""How wide the text's own column must be for that."""
_FURTHER: Final = 2
"""How much further in the rest of a broken line stands."""


def width_of(stream: TextIO) -> int:
    """Return the width of the terminal behind a stream, 80 where it has none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    except (OSError, ValueError):
        return COLUMNS


def fit(text: str, columns: int, *, further: int | None = None) -> str:
    """Return the text with lines no wider than the columns, as far as its words allow.

    further: how much further in the rest of a line stands; by default below the text behind a name.
    """
    return "\n".join(_broken(line, columns, further) for line in text.split("\n"))


def _broken(line: str, columns: int, further: int | None) -> str:
    if len(line) <= columns:
        return line
    indent = " " * _hanging(line, columns, further)
    pieces: list[str] = []
    start = end = 0
    for word in _WORD.finditer(line):
        lead = indent if pieces else ""
        if end > start and len(lead) + word.end() - start > columns:
            pieces.append(lead + line[start:end])
            start = word.start()
        end = word.end()
    lead = indent if pieces else ""
    return "\n".join([*pieces, lead + line[start:end]])


def _hanging(line: str, columns: int, further: int | None) -> int:
    """Return the column of a broken line's rest."""
    named = _NAMED.match(line) if further is None else None
    if named and columns - named.end() >= _TEXT:
        return named.end()
    return len(line) - len(line.lstrip(" ")) + (_FURTHER if further is None else further)
