"""Reading what arcs need: a kernel's code, and the function and line of each branch's ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pkgafdo import elf
from pkgafdo.profile.info import plain_name
from pkgafdo.profile.source_lines import symbolizer_command
from pkgafdo.report.arcs import Arcs, Code, addresses_of, arcs_of

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable


def read_arcs(
    runner: Runner, symbolizer: str, kernel: str, vmlinux: Path, table: BranchTable
) -> Arcs | None:
    """Return the arcs of a recorded kernel; None for other machines than x86-64, or samples."""
    if table.meta.period != 1 or elf.machine(vmlinux) != "x86_64":
        return None
    symbols = elf.symbols(vmlinux)
    code = read_code(vmlinux, symbols)
    addresses = [int(address) for address in addresses_of(table, code)]
    answers = runner.query(symbolizer_command(symbolizer, vmlinux, addresses)).stdout.splitlines()
    places = {
        address: place_of(json.loads(answer), address)
        for address, answer in zip(addresses, answers, strict=False)
    }
    return arcs_of(kernel, table, code, places)


def read_code(vmlinux: Path, symbols: SymbolTable) -> Code:
    """Return the code of a vmlinux's .text section."""
    section = next(part for part in elf.sections(vmlinux) if part.name == ".text")
    with vmlinux.open("rb") as stream:
        stream.seek(section.offset)
        content = stream.read(section.size)
    thunk = symbols.address_of("__x86_return_thunk") or 0
    return Code(start=section.address, content=content, return_thunk=thunk)


def place_of(answer: dict[str, Any], address: int) -> str:
    """Return function:line of llvm-symbolizer's answer, those of the innermost inlined function.

    In assembly it is function+distance; where the compiler gave no line, function:?. Empty where no
    function is known.
    """
    frame = (answer.get("Symbol") or [{}])[0]
    name = plain_name(frame.get("FunctionName", ""))
    if not name:
        return ""
    if line := frame.get("Line", 0):
        return f"{name}:{line}"
    start = int(frame.get("StartAddress") or "0", 16)
    return f"{name}+{address - start:#x}" if start and not frame.get("FileName") else f"{name}:?"
