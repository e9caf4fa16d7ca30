"""The text form of sample profiles: the counts of every line, inlined code included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NO_LINE: Final = 1 << 15
"""Profiles keep distances in 16 bits (llvm's SampleProf.h): from here on they are negative, of code
that has line 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionBody:
    """A function of a profile.

    total is what llvm-profdata counts for it. lines holds (function, line, count): the line counts
    from the function's first one, and the function is this one or one inlined in it. Code that the
    compiler gave no line is left out.
    """

    name: str
    total: int
    lines: tuple[tuple[str, int, int], ...]

    @property
    def samples(self) -> int:
        """The sum of its lines' counts."""
        return sum(count for _, _, count in self.lines)


def text_command(profdata: str, profile: Path) -> Command:
    """Return the command that prints a profile in LLVM's text form."""
    return Command(argv=(profdata, "merge", "--sample", "--text", "--output=-", str(profile)))


def split_functions(text: str) -> Iterator[list[str]]:
    """Yield the lines of each function of a profile's text; the first names it."""
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith(" ") and lines:
            yield lines
            lines = []
        lines.append(line)
    if lines:
        yield lines


def parse_body(lines: list[str]) -> FunctionBody:
    """Parse one function's lines (the grammar stands in llvm/ProfileData/SampleProfReader.h)."""
    name, total, _ = lines[0].rsplit(":", 2)
    inside = {1: name}
    found = []
    for line in lines[1:]:
        entry = line.lstrip(" ")
        depth = len(line) - len(entry)
        place, _, rest = entry.partition(": ")
        if place.startswith("!"):  # attributes and checksums
            continue
        if rest[:1].isdigit():
            offset = int(place.partition(".")[0])
            if offset < NO_LINE:
                found.append((inside[depth], offset, int(rest.partition(" ")[0])))
        else:
            inside[depth + 1] = rest.rpartition(":")[0]
    return FunctionBody(name=name, total=int(total), lines=tuple(found))


def parse_bodies(text: str) -> list[FunctionBody]:
    """Parse a whole profile's text."""
    return [parse_body(lines) for lines in split_functions(text)]


def hottest(bodies: Iterable[FunctionBody], share: float) -> list[FunctionBody]:
    """Return the functions, hottest first, that together have at least a share of all samples."""
    ordered = sorted(bodies, key=lambda body: (-body.samples, body.name))
    enough = share * sum(body.samples for body in ordered)
    chosen, seen = [], 0
    for body in ordered:
        if seen >= enough:
            break
        chosen.append(body)
        seen += body.samples
    return chosen
