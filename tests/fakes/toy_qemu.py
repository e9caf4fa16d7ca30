"""A program that plays QEMU with a toy kernel: it “runs” the guest and writes what the plugin writes.

The branches are those of a random walk through the toy's vmlinux, the measurements are made up of them,
and both are the same at each boot, as QEMU's are with -icount.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.vlbr import HEAD, MAGIC, RECORD
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from tests.integration import tiny_kernel

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable

SECONDS: Final = 0.6
"""How long each boot takes at least, so that a test can kill pkgafdo meanwhile."""
_STEPS: Final = 20_000
_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def install(folder: Path) -> Path:
    """Write the program into a folder; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "toy-qemu"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(_CHECKOUT)!r})\n"
        "from tests.fakes.toy_qemu import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    path.chmod(0o755)
    return path


def main(arguments: list[str]) -> int:
    """Answer as QEMU does: its version, its plugin API, or a boot."""
    if arguments == ["--version"]:
        sys.stdout.write("QEMU emulator version 7.2.0 (toy)\n")
        return 0
    if _after(arguments, "-M") == "none":
        sys.stderr.write("qemu: plugin requires 999, but this QEMU supports only up to version 1\n")
        return 1
    _boot(arguments)
    return 0


def _after(arguments: list[str], option: str, *, which: int = 0) -> str:
    places = [number for number, word in enumerate(arguments) if word == option]
    return arguments[places[which] + 1]


def _values(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)


def _boot(arguments: list[str]) -> None:
    runner = LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    console, report = (
        Path(_values(_after(arguments, "-chardev", which=which))["path"]) for which in (0, 1)
    )
    console.write_text("toy boots\n")
    time.sleep(SECONDS)
    image = Path(_after(arguments, "-kernel"))
    numbers = _steps(runner, _after(arguments, "-initrd"))
    if "-plugin" in arguments:
        plugin = _values(_after(arguments, "-plugin"))
        beside, packaged = image.parent / "vmlinux", image.parent / "build/vmlinux"
        table = _walk(runner, beside if beside.is_file() else packaged)
        write = {"record": _write_counts, "measure": _write_measure}[plugin["mode"]]
        write(Path(plugin["out"]), table, numbers)
    lines = [f"release {image.parent.name}", *(f"step {number} 0" for number in numbers), "done"]
    report.write_text("".join(f"pkgafdo: {line}\n" for line in lines))


def _steps(runner: LocalRunner, initrd: str) -> list[int]:
    """Return the numbers of the steps that the guest's init would run."""
    listed = runner.query(Command(argv=("bsdtar", "-xOf", initrd, "./steps/all"))).stdout
    return [int(number) for number in re.findall(r"^run (\d+) ", listed, re.MULTILINE)]


def _walk(runner: LocalRunner, vmlinux: Path) -> BranchTable:
    names = ("llvm-objdump", *(f"llvm-objdump-{version}" for version in range(30, 16, -1)))
    objdump = next(path for path in map(shutil.which, names) if path)
    code = tiny_kernel.disassemble(runner, objdump, vmlinux)
    taken = tiny_kernel.walk(code, tiny_kernel.starts(vmlinux), _STEPS)
    return tiny_kernel.count(taken, TableMeta(build_id="00", event="walk"))


def _pairs(first: object, second: object, count: object) -> np.ndarray:
    columns = [np.asarray(column) for column in (first, second, count)]
    rows = np.zeros(len(columns[0]), dtype=RECORD)
    for name, column in zip(("a", "b", "count"), columns, strict=True):
        rows[name] = column
    return rows


def _write_counts(path: Path, table: BranchTable, numbers: list[int]) -> None:
    branches = _pairs(table.branch_from, table.branch_to, table.branch_count)
    ranges = _pairs(table.range_start, table.range_end, table.range_count)
    sums = (int(branches["count"].sum()), int(ranges["count"].sum()))
    blocks = [MAGIC]
    for number in numbers:
        head = np.array([number, len(branches), len(ranges), *sums, 0], dtype=HEAD)
        blocks += [head.tobytes(), branches.tobytes(), ranges.tobytes()]
    blocks.append(np.array([2**64 - 1, len(numbers), 0, 0, 0, 0], dtype=HEAD).tobytes())
    path.write_bytes(b"".join(blocks))


def _write_measure(path: Path, table: BranchTable, numbers: list[int]) -> None:
    taken = table.branches
    lines = [
        f"window {number} seen 1 instructions {taken * 9} taken_branches {taken} "
        f"l1i_misses {taken // 7} itlb_misses {taken // 90} discontinuities 0 "
        f"lines_touched {taken // 50} pages_touched {taken // 500}"
        for number in numbers
    ]
    path.write_text("\n".join(["vlbr-measure 1", *lines, "end"]) + "\n")
