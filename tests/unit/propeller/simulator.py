"""Random programs that run by themselves and are recorded exactly, to compare counts with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.unit.propeller import maps
from tests.unit.propeller.maps import Block, Function

if TYPE_CHECKING:
    import random

BASE = 0xFFFFFFFF81000000
CALL_BYTES = 5
ASSEMBLY = BASE - (1 << 20)


@dataclass
class Code:
    """A block: where it lies, what it may do at its end, and what it calls on the way."""

    function: int
    ident: int
    start: int
    size: int
    falls: bool
    jumps: tuple[int, ...]
    returns: bool
    tail: int | None
    calls: tuple[tuple[int, int], ...]
    """(offset of the call, function called)"""

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def last(self) -> int:
        """The address of the last instruction."""
        return self.end - 1


@dataclass
class Truth:
    """What was executed."""

    blocks: Counter[int] = field(default_factory=Counter)
    edges: Counter[tuple[int, int, bool]] = field(default_factory=Counter)
    calls: Counter[tuple[int, int]] = field(default_factory=Counter)
    entries: Counter[int] = field(default_factory=Counter)
    branches: Counter[tuple[int, int]] = field(default_factory=Counter)
    ranges: Counter[tuple[int, int]] = field(default_factory=Counter)


@dataclass
class Program:
    """Functions of blocks; blocks are numbered over all functions, as a decoded map has them."""

    blocks: list[Code]
    first: list[int]

    def encoded(self) -> bytes:
        functions = []
        for number, first in enumerate(self.first):
            last = self.first[number + 1] if number + 1 < len(self.first) else len(self.blocks)
            at, coded = self.blocks[first].start, []
            for code in self.blocks[first:last]:
                flags = (maps.RETURN if code.returns or code.tail is not None else 0) | (
                    maps.TAIL_CALL if code.tail is not None else 0
                )
                flags |= maps.FALLS if code.falls else 0
                coded.append(Block(code.ident, code.size, flags, code.start - at))
                at = code.end
            functions.append(Function(((self.blocks[first].start, tuple(coded)),)))
        return maps.encode(*functions)

    def run(self, chance: random.Random, steps: int) -> Truth:
        """Run from the first function's entry for so many blocks, and until all have returned."""
        machine = _Machine(self, chance, Truth())
        machine.run(steps)
        return machine.truth


class _Machine:
    def __init__(self, program: Program, chance: random.Random, truth: Truth) -> None:
        self.program, self.chance, self.truth = program, chance, truth
        self.range_start = ASSEMBLY
        self.steps = 0

    def run(self, steps: int) -> None:
        self.steps = steps
        while self.steps > 0:
            self._taken(ASSEMBLY, self.program.blocks[0].start)
            self._taken(self._function(0, depth=0), ASSEMBLY)

    def _taken(self, source: int, target: int) -> None:
        self.truth.branches[source, target] += 1
        self.truth.ranges[self.range_start, source] += 1
        self.range_start = target

    def _function(self, number: int, depth: int) -> int:
        """Run a function to its return; return the address of the instruction that returned."""
        self.truth.entries[number] += 1
        here = self.program.first[number]
        while True:
            code = self.program.blocks[here]
            self.truth.blocks[here] += 1
            self.steps -= 1
            self._calls(here, code, depth)
            if code.returns:
                return code.last
            if code.tail is not None:
                self.truth.calls[here, code.tail] += 1
                self._taken(code.last, self.program.blocks[self.program.first[code.tail]].start)
                return self._function(code.tail, depth + 1)
            here = self._next(here, code)

    def _calls(self, here: int, code: Code, depth: int) -> None:
        for offset, callee in code.calls:
            if depth > 6 or self.steps <= 0:
                continue
            self.truth.calls[here, callee] += 1
            target = self.program.blocks[self.program.first[callee]].start
            self._taken(code.start + offset, target)
            last = self._function(callee, depth + 1)
            self._taken(last, code.start + offset + CALL_BYTES)

    def _next(self, here: int, code: Code) -> int:
        choices = [(jump, True) for jump in code.jumps] + [(here + 1, False)] * code.falls
        there, taken = (
            self.chance.choice(choices)
            if self.steps > 0
            else min(choices, key=lambda choice: -choice[0])
        )
        self.truth.edges[here, there, taken] += 1
        if taken:
            self._taken(code.last, self.program.blocks[there].start)
        return there


def random_program(chance: random.Random, functions: int) -> Program:
    """Make functions whose blocks go on, jump, call, return and call tails as chance has it.

    The last block of a function returns; only a later function is called as a tail, so that all
    runs end.
    """
    blocks: list[Code] = []
    first = []
    at = BASE
    for number in range(functions):
        first.append(len(blocks))
        count = chance.randint(1, 8)
        mine = range(len(blocks), len(blocks) + count)
        for index in mine:
            last = index == mine[-1]
            kind = chance.choice(["fall", "jump", "both", "both", "return", "tail"])
            if last:
                kind = "return"
            elif kind == "tail" and number + 1 >= functions:
                kind = "fall"
            size = chance.randint(24, 60)
            calls = tuple(
                (offset, chance.randrange(functions))
                for offset in (1, 9)
                if number + 1 < functions and chance.random() < 0.3
            )
            if kind == "fall" and chance.random() < 0.5:
                # A call that ends its block: what it calls returns to the start of the next one.
                calls = ((size - CALL_BYTES, chance.randrange(functions)),)
            others = [other for other in mine[1:] if other != index + 1]
            jumps = tuple(chance.sample(others, min(len(others), chance.randint(1, 2))))
            jumping = kind in {"jump", "both"} and bool(jumps)
            forward = jumping and max(jumps) > index
            blocks.append(
                Code(
                    function=number, ident=index * 3 % 64, start=at, size=size,
                    falls=kind in {"fall", "both"} or (kind == "jump" and not forward),
                    jumps=jumps if jumping else (), returns=kind == "return",
                    tail=chance.randrange(number + 1, functions) if kind == "tail" else None,
                    calls=calls,
                )
            )  # fmt: skip
            at += size
            # The compiler pads in front of loops; code in front of padding falls through it.
            ends_in_call = bool(calls) and calls[-1][0] == size - CALL_BYTES
            at += chance.choice([0, 0, 6]) if not ends_in_call else 0
        at += chance.choice([0, 16, 48])
    return Program(blocks=blocks, first=first)
