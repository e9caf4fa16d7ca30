"""A parsed bash script: functions, assignments, commands, and the bytes that they stand in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A part of the script: byte offsets, and the line (from 1) that it begins on."""

    start: int
    end: int
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word: as it is written, and its value when it has no expansion in it."""

    place: Place
    text: str
    literal: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A whole statement of a function's body, or of the script: where lines are put before it."""

    place: Place
    indent: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """`name=…`, `name+=…`, `name=(…)` or `: "${name:=…}"`.

    value covers what stands after the operator, the parentheses of an array included. function is
    empty outside of functions; conditions are the texts of the `if`s around it, nested is whether
    anything but the function or script itself is.
    """

    name: str
    operator: str
    words: tuple[Word, ...]
    is_array: bool
    value: Place
    place: Place
    statement: Statement
    function: str
    conditions: tuple[str, ...]
    nested: bool
    exported: bool = False

    @property
    def literal(self) -> str | None:
        """The value of a scalar without expansions."""
        return (self.words[0].literal if self.words else "") if not self.is_array else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A command: its name as written, its words, and the assignments before it.

    outputs are the files, as written, that its output replaces.
    """

    name: str
    words: tuple[Word, ...]
    place: Place
    name_place: Place
    prefixes: tuple[str, ...]
    statement: Statement
    function: str
    conditions: tuple[str, ...]
    nested: bool
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A function: the whole of it, and its body between the braces."""

    name: str
    place: Place
    body: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A variable that is expanded somewhere."""

    name: str
    place: Place
    function: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What the parser does not understand."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """A parsed script; every tuple is in the order of the file."""

    content: bytes
    functions: tuple[Function, ...]
    assignments: tuple[Assignment, ...]
    calls: tuple[Call, ...]
    uses: tuple[Use, ...]
    faults: tuple[Fault, ...]

    def function(self, name: str) -> Function | None:
        """Return the last function of a name, which is the one that counts."""
        return next((one for one in reversed(self.functions) if one.name == name), None)

    def assigned(self, name: str, function: str = "") -> tuple[Assignment, ...]:
        """Return the assignments of a variable in a function, or outside of functions."""
        return tuple(
            one for one in self.assignments if one.name == name and one.function == function
        )

    def calls_in(self, function: str) -> tuple[Call, ...]:
        """Return the commands of a function, or those outside of functions."""
        return tuple(one for one in self.calls if one.function == function)

    def text(self, place: Place) -> str:
        """Return what stands in a place."""
        return self.content[place.start : place.end].decode("utf-8", "replace")
