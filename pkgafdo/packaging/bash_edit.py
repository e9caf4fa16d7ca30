"""Edits of a script by byte spans, and the difference that they make."""

from __future__ import annotations

import difflib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.packaging.bash_script import Place, Script, Statement, Word


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """Put `text` where the bytes from start to end are; reason says why, for the reader."""

    start: int
    end: int
    text: str
    reason: str


def replace(place: Place, text: str, reason: str) -> Edit:
    """Return the edit that replaces a part."""
    return Edit(start=place.start, end=place.end, text=text, reason=reason)


def before(script: Script, statement: Statement, lines: Sequence[str], reason: str) -> Edit:
    """Return the edit that puts lines before a statement and the comment above it.

    They are indented like the statement, with an empty line before them where one is wanting.
    Raises ArtifactError when something else stands before the statement on its line.
    """
    content, start = script.content, statement.place.start
    begin = content.rfind(b"\n", 0, start) + 1
    if content[begin:start].strip():
        raise ArtifactError(
            f"PKGBUILD:{statement.place.line}: several statements on one line",
            details=f"Nothing was changed: {reason}",
            hint="Give each a line of its own.",
        )
    begin = _above_comments(content, begin)
    above = content[:begin].rstrip(b" \t")
    lead = "" if above.endswith((b"\n\n", b"{\n", b"then\n")) or not above else "\n"
    body = "".join(f"{statement.indent}{line}\n" if line else "\n" for line in lines)
    return Edit(start=begin, end=begin, text=lead + body, reason=reason)


def _above_comments(content: bytes, begin: int) -> int:
    """Return where the comment that stands directly above a line begins."""
    while begin:
        previous = content.rfind(b"\n", 0, begin - 1) + 1
        if not content[previous:begin].lstrip(b" \t").startswith(b"#"):
            break
        begin = previous
    return begin


def append_word(script: Script, word: Word, text: str, reason: str) -> Edit:
    """Return the edit that puts a word behind another: in a line of its own, if that has one."""
    line = script.content.rfind(b"\n", 0, word.place.start) + 1
    lead = script.content[line : word.place.start]
    gap = "\n" + lead.decode("ascii") if not lead.strip(b" \t") else " "
    return Edit(start=word.place.end, end=word.place.end, text=gap + text, reason=reason)


def after(script: Script, statement: Statement, lines: Sequence[str], reason: str) -> Edit:
    """Return the edit that puts lines after a statement, behind its line's comment."""
    start = line_end(script.content, statement.place.end)
    text = "".join(f"\n{statement.indent}{line}" if line else "\n" for line in lines)
    return Edit(start=start, end=start, text=text, reason=reason)


def remove_lines(script: Script, place: Place, reason: str) -> Edit:
    """Return the edit that removes whole lines, the comment above and an empty line that follows."""
    content = script.content
    start = _above_comments(content, content.rfind(b"\n", 0, place.start) + 1)
    end = min(line_end(content, place.end) + 1, len(content))
    if content[end : end + 1] == b"\n":
        end += 1
    return Edit(start=start, end=end, text="", reason=reason)


def line_end(content: bytes, offset: int) -> int:
    """Return where the line of an offset ends, before its newline."""
    end = content.find(b"\n", offset)
    return len(content) if end < 0 else end


def apply_edits(content: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the content with the edits; those at one place keep their order.

    Raises ArtifactError when two of them overlap.
    """
    ordered = sorted(edits, key=lambda edit: edit.start)
    for first, second in itertools.pairwise(ordered):
        if first.end > second.start:
            line = content[: second.start].count(b"\n") + 1
            raise ArtifactError(
                f"PKGBUILD:{line}: two changes meet here",
                details=f"Nothing was changed: {first.reason}; {second.reason}",
                hint="Make one of them by hand, and run this again.",
            )
    pieces: list[bytes] = []
    last = 0
    for edit in ordered:
        text = edit.text.encode()
        if edit.start == last and pieces and pieces[-1].endswith(b"\n\n"):
            text = text.removeprefix(b"\n")  # one empty line between two blocks is enough
        pieces += [content[last : edit.start], text]
        last = edit.end
    return b"".join([*pieces, content[last:]])


def unified_diff(before: bytes, after: bytes, name: str) -> str:
    """Return the difference as `patch -p1` takes it; empty when there is none."""
    old, new = (_lines(content) for content in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    pieces = text.split("\n")
    return [f"{piece}\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
