"""A program that is linked like a kernel, and walks through its code: seconds instead of minutes."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pkgafdo import elf
from pkgafdo.branches.table import from_counts
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pkgafdo.branches.meta import TableMeta
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.runner.base import Runner

FUNCTIONS = 120

_LINKER_SCRIPT = """
ENTRY(start_kernel)
PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); note PT_NOTE FLAGS(4); }
SECTIONS {
  . = 0xffffffff81000000;
  .text : { _text = .; _stext = .; *(.text .text.*) _etext = .; } :text
  .notes : { *(.note.*) } :text :note
  . = ALIGN(0x1000);
  .data : { *(.data .data.* .bss .bss.* COMMON) } :data
}
"""
_INSTRUCTION = re.compile(r"^([0-9a-f]+):\s+(\S+)\s*(?:0x([0-9a-f]+))?")


def source(functions: int = FUNCTIONS) -> str:
    """Return C with functions that loop, branch, inline and call each other."""
    parts = [
        "typedef unsigned long u64; static volatile u64 sink;",
        "static inline u64 mix(u64 x) { if (x & 1) return x * 3 + 1; return x >> 1; }",
    ]
    for i in range(functions):
        calls = f"work_{i - 1}(x - 1) + work_{i // 2}(x >> 2)" if i else "x"
        parts.append(f"""
__attribute__((noinline)) u64 work_{i}(u64 x)
{{
    u64 sum = 0;
    if (!x)
        return {i};
    for (u64 at = 0; at < (x & 7); at++) {{
        if (at % 3 == {i % 3})
            sum += mix(at + x);
        else
            sum ^= at << {i % 13};
    }}
    if (sum & 8)
        sum += {calls};
    sink = sum;
    return sum;
}}""")
    parts.append(
        f"void start_kernel(void) {{ for (u64 x = 1;; x++) sink += work_{functions - 1}(x); }}"
    )
    return "\n".join(parts) + "\n"


def build(
    runner: Runner, folder: Path, *, clang: str, lld: str, text: str = "", flags: Sequence[str] = ()
) -> Path:
    """Compile and link the program, or another text like it; returns its vmlinux."""
    (folder / "kernel.c").write_text(text or source())
    (folder / "kernel.lds").write_text(_LINKER_SCRIPT)
    runner.run(
        Command(
            argv=(
                clang, "-O2", "-g", "-fdebug-info-for-profiling", "-mcmodel=kernel", "-fno-pic",
                "-ffreestanding", *flags, "-c", "kernel.c", "-o", "kernel.o",
            ),
            cwd=folder,
        )
    )  # fmt: skip
    link = (lld, "-static", "--build-id=sha1", "-T", "kernel.lds", "kernel.o", "-o", "vmlinux")
    runner.run(Command(argv=link, cwd=folder))
    return folder / "vmlinux"


@dataclass(frozen=True, slots=True)
class Instruction:
    """What matters of an instruction: how it goes on, its direct target, and the next address."""

    mnemonic: str
    target: int | None
    following: int


def disassemble(runner: Runner, objdump: str, vmlinux: Path) -> dict[int, Instruction]:
    """Return the instructions of a program by address."""
    argv = (objdump, "-d", "--no-show-raw-insn", "--no-leading-headers", str(vmlinux))
    found = [
        (int(match[1], 16), match[2], int(match[3], 16) if match[3] else None)
        for match in map(_INSTRUCTION.match, runner.query(Command(argv=argv)).stdout.splitlines())
        if match
    ]
    following = [address for address, _, _ in found[1:]] + [0]
    return {
        address: Instruction(mnemonic, target, after)
        for (address, mnemonic, target), after in zip(found, following, strict=True)
    }


def starts(vmlinux: Path) -> list[int]:
    """Return where the functions begin that return some day."""
    symbols = elf.symbols(vmlinux)
    found = symbols.functions()
    named = zip(symbols.names(found), symbols.address[found].tolist(), strict=True)
    return [address for name, address in named if name.startswith("work_")]


def walk(
    code: dict[int, Instruction], starts: Sequence[int], steps: int, *, seed: int = 1
) -> list[tuple[int, int]]:
    """Return the taken branches (from, to) of a random but possible execution.

    When it returns from all functions it goes on at a random start.
    """
    chance = random.Random(seed)
    stack: list[int] = []
    taken: list[tuple[int, int]] = []
    at = starts[0]
    while len(taken) < steps:
        now = code[at]
        target = now.following
        if now.mnemonic.startswith("ret"):
            target = stack.pop() if stack else chance.choice(starts)
        elif now.mnemonic.startswith("call") and now.target is not None:
            stack.append(now.following)
            # Deep down only the first function is called: it calls none.
            target = now.target if len(stack) < 8 else starts[0]
        elif now.target is not None and (
            now.mnemonic == "jmp" or (now.mnemonic.startswith("j") and chance.random() < 0.5)
        ):
            target = now.target
        if target != now.following or now.mnemonic.startswith("ret"):
            taken.append((at, target))
        at = target
    return taken


def count(taken: list[tuple[int, int]], meta: TableMeta) -> BranchTable:
    """Return the exact counts of an execution."""
    branches = Counter(taken)
    ranges = Counter((target, source) for (_, target), (source, _) in pairwise(taken))
    return from_counts(
        (
            [pair[0] for pair in branches],
            [pair[1] for pair in branches],
            list(branches.values()),
            [0] * len(branches),
        ),
        ([pair[0] for pair in ranges], [pair[1] for pair in ranges], list(ranges.values())),
        meta,
    )


def require_build_id(vmlinux: Path) -> str:
    """Return the build-id that the linker gave."""
    build_id = elf.build_id(vmlinux)
    assert build_id is not None
    return build_id
