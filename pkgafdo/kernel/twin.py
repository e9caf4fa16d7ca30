"""The baseline linked once more, its functions in another order: layout's luck and nothing else."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel.findings import Finding
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pkgafdo.artifacts import Toolchain
    from pkgafdo.symtab import SymbolTable

SEED: Final = 1
RUN: Final = 64
"""Functions that stay together, on average: about 16 KiB of code."""
_FEWEST_RUNS: Final = 16
"""Of a program too small for runs of that length."""
TARGET: Final = "bzImage"
_LEAST_MOVED: Final = 0.5
_FIXED: Final = (
    ("__entry_text_start", "__entry_text_end"),
    ("__noinstr_text_start", "__noinstr_text_end"),
)
"""Edges of code whose place the linker script decides (asm-generic/vmlinux.lds.h)."""
_LATER: Final = 2**32
"""A time (in 2106) after which nothing is made."""
_PACKAGING: Final = frozenset({"pacman", "PKGBUILD"})
"""What make pacman-pkg leaves in an object folder, and no link needs."""


def require_twin(lto: str, route: str) -> None:
    """Raise ConfigError where a baseline cannot be linked again in another order."""
    if route == "pkgbuild":
        raise ConfigError(
            "the noise floor cannot be measured of kernels that a PKGBUILD builds",
            details="The baseline's objects are linked once more; makepkg keeps them to itself.",
            hint="Leave --noise-floor (measure.noise_floor) out, or use package.route = “pacman-pkg”.",
        )
    if lto == "none":
        raise ConfigError(
            "without LTO the baseline cannot be linked in another order",
            details="clang then puts the functions of a file into one section, which no linker divides.",
            hint="Leave --noise-floor (measure.noise_floor) out, or set kernel.lto to “thin”.",
        )


def other_order(vmlinux: Path, seed: int) -> list[str]:
    """Return the names of a kernel's ordinary functions in an order that the seed alone decides.

    Neighbours stay together in runs, which change places: an order without any neighbourhood would
    lose what each layout has, that what is used together lies together, and not luck alone. What the
    linker script keeps together by itself (entry code, code that must not be instrumented) is not
    among them. Functions of one name get one place.
    """
    symbols = elf.symbols(vmlinux)
    fixed = [_between(symbols, *edges) for edges in _FIXED]
    start, end = _between(symbols, "_stext", "_etext")
    names = dict.fromkeys(
        name
        for name, _, at in _functions(symbols)
        if start <= at < end and not any(low <= at < high for low, high in fixed)
    )
    length = max(1, min(RUN, len(names) // _FEWEST_RUNS))
    runs: list[list[str]] = [[]]
    for name in names:
        if runs[-1] and _drawn(seed, "cut", name) % length == 0:
            runs.append([])
        runs[-1].append(name)
    runs.sort(key=lambda run: _drawn(seed, "place", run[0]) if run else 0)
    return [name for run in runs for name in run]


def _drawn(seed: int, what: str, name: str) -> int:
    """Return a number that looks drawn at random, and is the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed} {what} {name}".encode()).digest()[:8], "big")


def _between(symbols: SymbolTable, start: str, end: str) -> tuple[int, int]:
    return symbols.address_of(start) or 0, symbols.address_of(end) or 0


def reordered(variables: Mapping[str, str], toolchain: Toolchain, order: Path) -> dict[str, str]:
    """Return make variables whose linker lays functions out in the order of a file.

    Kbuild builds its linker flags up itself, so the options go into LD. --shuffle-sections would not
    do: ld.lld then also forgets the SORT() of the kernel's linker script.
    """
    linker = variables.get("LD") or toolchain.tools["ld.lld"]
    options = f"--symbol-ordering-file={order} --no-warn-symbol-ordering"
    return {**variables, "LD": f"{linker} {options}"}


def keep_code(objects: Path, before: str, after: str) -> bool:
    """Make Kbuild take vmlinux.o, the code before the last link, for finished by another linker.

    Nothing of it depends on the order of functions, and with ThinLTO all code would be generated
    again. Returns whether it could be done: if not, that is what happens, and takes minutes.
    """
    saved, code = objects / ".vmlinux.o.cmd", objects / "vmlinux.o"
    start = f"savedcmd_vmlinux.o := {before} "
    text = saved.read_text("utf-8") if saved.is_file() else ""
    if not text.startswith(start) or not code.is_file():
        return False
    saved.write_text(f"savedcmd_vmlinux.o := {after} {text.removeprefix(start)}", "utf-8")
    os.utime(code, (_LATER, _LATER))  # Kbuild makes objtool, which it depends on, again
    return True


def copy_command(objects: Path, names: Sequence[str], destination: Path) -> Command:
    """Return the command that copies what lies in an object folder, times included.

    Kbuild then finds everything up to date but the links.
    """
    wanted = [str(objects / name) for name in sorted(names) if name not in _PACKAGING]
    return Command(
        argv=("cp", "-a", "--reflink=auto", *("-t", str(destination)), "--", *wanted),
        run_as=RunAs.BUILDER,
    )


def check_twin(baseline: Path, twin: Path) -> Finding:
    """Check that two vmlinux have the same functions of the same sizes in other places.

    got tells how many have moved. Raises ArtifactError when one of them cannot be read.
    """
    one, other = elf.symbols(baseline), elf.symbols(twin)
    sizes, others = _sizes(one), _sizes(other)
    foreign = sum((sizes - others).values()) + sum((others - sizes).values())
    moved, whole = _moved(one, other)
    return Finding(
        name="the baseline's twin",
        ok=foreign == 0 and moved >= _LEAST_MOVED * whole > 0,
        wanted="the same functions, most of them elsewhere",
        got=f"{moved} of {whole} functions elsewhere, {foreign} that only one of them has",
        why="Only then do its counts differ by nothing but layout.",
    )


def require_twins(baseline: Path, twin: Path) -> Finding:
    """Return what `check_twin` found; raises ArtifactError when they are no twins."""
    finding = check_twin(baseline, twin)
    if not finding.ok:
        raise ArtifactError(
            "linking the baseline again did not give it another layout alone",
            details=f"wanted: {finding.wanted}\ngot: {finding.got}",
            hint="Leave --noise-floor out, and report this with the versions of kernel and ld.lld.",
        )
    return finding


def _functions(symbols: SymbolTable) -> list[tuple[str, int, int]]:
    """Return name, size and address of the functions that have a size, by address."""
    code = symbols.functions()
    rows = zip(
        symbols.names(code), symbols.size[code].tolist(), symbols.address[code].tolist(),
        strict=True,
    )  # fmt: skip
    return [row for row in rows if row[1]]


def _sizes(symbols: SymbolTable) -> Counter[tuple[str, int]]:
    return Counter((name, size) for name, size, _ in _functions(symbols))


def _moved(one: SymbolTable, other: SymbolTable) -> tuple[int, int]:
    """Return how many functions of the first lie elsewhere in the second, and how many there are."""
    places = {(name, address) for name, _, address in _functions(other)}
    functions = _functions(one)
    return sum((name, at) not in places for name, _, at in functions), len(functions)
