"""Print how fast recordings are read and converted, ours and llvm-profgen's way, from the same file.

The recording is made from the exact counts of a real one (a branch table of the virtual LBR): a random
walk that takes each branch and each fall-through as often as they were counted, so that it is as
varied and as skewed as the kernel was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf
from pkgafdo.branches.store import read_table
from pkgafdo.jit import compiled
from pkgafdo.perf.perfdata.write import Machine, Stacks, write_recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pkgafdo.branches.table import BranchTable

    Words = NDArray[np.uint64]

PKGAFDO: Final = (sys.executable, "-P", "-m", "pkgafdo")
RUNS: Final = 3
DEPTH: Final = 32
SHIFT: Final = 0x1A000000
SAMPLE_BYTES: Final = 8 * (8 + 3 * DEPTH)
MERGED: Final = 100
LIMITS: Final = {
    "reading, against llvm-profgen's": ("≥", 40.0),
    "reading, GB/s": ("≥", 2.5),
    "to the profile, against llvm-profgen": ("≥", 5.0),
    "peak memory, MiB": ("≤", 1024.0),
    "peak memory from a pipe, MiB": ("≤", 1024.0),
    f"merging {MERGED} profiles": ("≤", 10.0),
}


@dataclass(frozen=True)
class Measured:
    """What a program cost: wall-clock seconds and peak memory in MiB, and what it printed last."""

    seconds: float
    mebibytes: float
    printed: str = ""


@compiled
def walk(
    starts: Words, ends: Words, range_sums: Words, sources: Words, targets: Words,
    branch_sums: Words, steps: int, chance: np.random.Generator,
) -> Words:  # fmt: skip
    """Return `steps` branches of an execution with these counts (sums run over the sorted rows)."""
    rows = np.empty((steps, 2), np.uint64)
    total = branch_sums[-1]
    row = np.searchsorted(branch_sums, np.uint64(chance.integers(0, total)), side="right")
    for at in range(steps):
        rows[at, 0], rows[at, 1] = sources[row], targets[row]
        first = np.searchsorted(starts, targets[row])
        last = np.searchsorted(starts, targets[row], side="right")
        low, high = np.uint64(0), total
        if first < last:
            below = range_sums[first - 1] if first else np.uint64(0)
            pick = np.uint64(chance.integers(below, range_sums[last - 1]))
            end = ends[np.searchsorted(range_sums, pick, side="right")]
            first = np.searchsorted(sources, end)
            last = np.searchsorted(sources, end, side="right")
            if first < last:
                low = branch_sums[first - 1] if first else np.uint64(0)
                high = branch_sums[last - 1]
        row = np.searchsorted(branch_sums, np.uint64(chance.integers(low, high)), side="right")
    return rows


def make_recording(table: BranchTable, vmlinux: Path, path: Path, samples: int) -> None:
    """Write a recording of so many samples, under KASLR."""
    rows = walk(
        table.range_start, table.range_end, np.cumsum(table.range_count),
        table.branch_from, table.branch_to, np.cumsum(table.branch_count),
        samples * DEPTH, np.random.default_rng(1),
    )  # fmt: skip
    bounds = elf.text_bounds(vmlinux)
    assert bounds.text is not None
    assert bounds.etext is not None
    inside = (rows >= np.uint64(bounds.text)) & (rows < np.uint64(bounds.text + (1 << 28)))
    rows[inside] += np.uint64(SHIFT)
    machine = Machine(
        text=bounds.text + SHIFT, text_size=bounds.etext - bounds.text,
        build_id=elf.build_id(vmlinux) or "", kernelrelease=table.meta.kernelrelease, arch="x86_64",
        cpu="walk", event="virtual-lbr", period=500_009, command="bench-convert",
        modules=[(module.name, module.base, module.size) for module in table.meta.modules],
    )  # fmt: skip
    newest_first = rows.reshape(samples, DEPTH, 2)[:, ::-1].reshape(-1, 2)
    lengths = np.full(samples, DEPTH, dtype=np.uint64)
    write_recording(path, Stacks(rows=newest_first, lengths=lengths), machine)


def to_pipe(source: Path, path: Path) -> None:
    """Rewrite a recording as perf would have sent it through a pipe."""
    with source.open("rb") as stream, path.open("wb") as out:
        head = stream.read(104)
        attr_size, attrs_at, _, data_at, data_size = np.frombuffer(head, "<u8", 5, 16).tolist()
        stream.seek(attrs_at)
        attr = stream.read(attr_size - 16)
        out.write(b"PERFILE2" + (16).to_bytes(8, "little"))
        out.write(
            (64).to_bytes(4, "little") + bytes(2) + (8 + len(attr)).to_bytes(2, "little") + attr
        )
        stream.seek(data_at)
        while data_size:
            piece = stream.read(min(data_size, 1 << 24))
            out.write(piece)
            data_size -= len(piece)


def spawn(argv: list[str], moved: dict[int, int]) -> int:
    """Start a program whose descriptors (keys) are copies of ours (values)."""
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in moved.items()]
    return os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)


def measured(argv: list[str], printed: Path, *, piped: Path | None = None) -> Measured:
    """Run a program to its end, its output in a file; another writes `piped` into its stdin."""
    out = os.open(printed, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    moved = {1: out, 2: out}
    writer = 0
    if piped is not None:
        moved[0], into = os.pipe()
        writer = spawn(["cat", str(piped)], {1: into})
        os.close(into)
    started = time.perf_counter()
    pid = spawn(argv, moved)
    for descriptor in {*moved.values()}:
        os.close(descriptor)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    text = printed.read_text(errors="replace")
    if status or (writer and os.waitpid(writer, 0)[1]):
        sys.exit(f"{' '.join(argv)} failed:\n{text}")
    return Measured(seconds, usage.ru_maxrss / 1024, text)


def read_once(few: Path, source: str, vmlinux: Path) -> None:
    """Read a recording in this process and print what each part took (the child's side).

    A tiny recording is read first: it loads (or compiles) the loops.
    """
    started = time.perf_counter()
    from pkgafdo.perf.perfdata.recording import read_recording

    bounds = elf.text_bounds(vmlinux)
    read_recording(few, text=bounds)
    ready = time.perf_counter()
    table = read_recording(sys.stdin.buffer if source == "-" else Path(source), text=bounds)
    done = time.perf_counter()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    counted = {"start": ready - started, "read": done - ready, "peak": peak}
    print(json.dumps(counted | {"branches": table.branches}))


class Bench:
    """The files and tools of one measurement."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.vmlinux: Path = options.vmlinux
        self.folder: Path = options.folder
        self.recording = self.folder / "perf.data"
        self.few = self.folder / "few.perf.data"
        self.pipe = self.folder / "pipe.perf.data"
        self.profgen: str = options.llvm_profgen
        self.profile = self.folder / "ours.afdo"
        self.printed = self.folder / "printed.txt"
        self.missed: list[str] = []

    def show(self, name: str, value: float, unit: str, note: str = "") -> None:
        """Print one number, with its limit if it has one, and remember when it is missed."""
        sign, bound = LIMITS.get(name, ("", 0.0))
        limit = f"(limit: {sign} {bound:g})" if sign else ""
        if value < bound if sign == "≥" else value > bound > 0:
            self.missed.append(name)
            limit += " missed"
        print(f"{name:<44s}{value:10.3f} {unit:<5s}{limit} {note}".rstrip(), flush=True)

    def read(self, source: Path, *, is_piped: bool = False) -> dict[str, float]:
        """Read a recording in a process of its own, from the file or through a pipe."""
        name = "-" if is_piped else str(source)
        argv = [sys.executable, "-P", __file__, "read", str(self.few), name, str(self.vmlinux)]
        result = measured(argv, self.printed, piped=source if is_piped else None)
        parts: dict[str, float] = json.loads(result.printed)
        return parts | {"all": result.seconds}

    def profgen_perfdata(self, recording: Path) -> Measured:
        """Convert a recording in llvm-profgen's own way."""
        output = self.folder / "theirs.afdo"
        argv = [
            self.profgen, "--kernel", f"--binary={self.vmlinux}", f"--perfdata={recording}",
            "--format=extbinary", f"--output={output}",
        ]  # fmt: skip
        return measured(argv, self.printed)

    def convert(self) -> Measured:
        """Convert the recording in our way, by the command that users type."""
        return self.pkgafdo("profile", "convert", "--tool", "llvm-profgen", self.recording)

    def profgen_counts(self) -> Measured:
        """Let llvm-profgen alone convert the recording's counts."""
        table, counts = self.folder / "table.parquet", self.folder / "counts.txt"
        self.pkgafdo("branches", "read", self.recording, output=table)
        self.pkgafdo("branches", "export", "--to", "profgen", table, output=counts)
        argv = [
            self.profgen, "--kernel", f"--binary={self.vmlinux}",
            f"--unsymbolized-profile={counts}", "--use-offset=0", "--format=extbinary",
            f"--output={self.folder / 'counts.afdo'}",
        ]  # fmt: skip
        return measured(argv, self.printed)

    def pkgafdo(self, *words: str | Path, output: Path | None = None) -> Measured:
        """Run a verb of ours that takes vmlinux and writes a file."""
        argv = [*PKGAFDO, *map(str, words)]
        argv += ["--vmlinux", str(self.vmlinux), "-o", str(output or self.profile)]
        return measured(argv, self.printed)

    def overlap(self) -> float:
        """Return how far both ways agree, in percent."""
        argv = [
            *PKGAFDO, "profile", "compare", "--json", "--quiet",
            str(self.folder / "theirs.afdo"), str(self.profile),
        ]  # fmt: skip
        share: float = json.loads(measured(argv, self.printed).printed)["overlap"]["samples"]
        return 100 * share

    def merge(self) -> Measured:
        """Merge as many profiles of one kernel as there may be machines."""
        paths = [self.folder / f"merged-{number}.afdo" for number in range(MERGED)]
        for path in paths:
            path.write_bytes(self.profile.read_bytes())
        output = str(self.folder / "merged.afdo")
        argv = [*PKGAFDO, "profile", "merge", *map(str, paths), "-o", output]
        return measured(argv, self.printed)


def make_files(table: BranchTable, bench: Bench, mebibytes: int) -> None:
    """Write the recording, a tiny one for the fixed costs, and one as from a pipe."""
    make_recording(table, bench.vmlinux, bench.recording, (mebibytes << 20) // SAMPLE_BYTES)
    make_recording(table, bench.vmlinux, bench.few, 1000)
    to_pipe(bench.recording, bench.pipe)


def compare(bench: Bench) -> None:
    """Measure and print everything."""
    size = bench.recording.stat().st_size
    first = bench.read(bench.recording)
    runs = [bench.read(bench.recording) for _ in range(RUNS)]
    best = min(runs, key=lambda run: run["read"])
    piped = min(
        (bench.read(bench.pipe, is_piped=True) for _ in range(RUNS)), key=lambda run: run["read"]
    )
    fixed = min(bench.profgen_perfdata(bench.few).seconds for _ in range(RUNS))
    theirs = bench.profgen_perfdata(bench.recording)
    symbols = bench.profgen_counts()
    converted = bench.convert()
    merged = bench.merge()
    show = bench.show
    show("recording", size / 1e6, "MB")
    show("start and loops, first time", first["start"], "s", "compiles them, unless kept")
    show("start and loops", min(run["start"] for run in runs), "s")
    show("reading", best["read"], "s")
    show("reading, GB/s", size / 1e9 / best["read"], "GB/s")
    show("reading from a pipe", piped["read"], "s")
    show("peak memory, MiB", max(run["peak"] for run in runs), "MiB")
    show("peak memory from a pipe, MiB", piped["peak"], "MiB")
    show("llvm-profgen --perfdata", theirs.seconds, "s", f"peak {theirs.mebibytes:.0f} MiB")
    show("llvm-profgen, fixed cost", fixed, "s")
    show("llvm-profgen on our counts", symbols.seconds, "s", f"peak {symbols.mebibytes:.0f} MiB")
    show("reading, against llvm-profgen's", (theirs.seconds - fixed) / best["read"], "×")
    show("pkgafdo profile convert", converted.seconds, "s", f"peak {converted.mebibytes:.0f} MiB")
    show("to the profile, against llvm-profgen", theirs.seconds / converted.seconds, "×")
    note = "theirs lacks what lies behind patched jumps"
    show("overlap of both profiles", bench.overlap(), "%", note)
    size = bench.profile.stat().st_size
    show(f"merging {MERGED} profiles", merged.seconds, "s", f"of {size / 1e6:.2f} MB each")


def main() -> None:
    """Read the command line and measure."""
    if sys.argv[1:2] == ["read"]:
        read_once(Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(prog="bench-convert", description=__doc__)
    parser.add_argument("table", type=Path, help="exact counts of a VM recording (.parquet)")
    parser.add_argument("vmlinux", type=Path, help="the kernel that was recorded")
    parser.add_argument("--folder", type=Path, required=True, help="for the files (3 × --size)")
    parser.add_argument("--size", type=int, default=1400, help="of the recording, in MiB")
    parser.add_argument("--llvm-profgen", default="llvm-profgen-19")
    parser.add_argument("--check", action="store_true", help="fail when a limit is missed")
    parser.add_argument("--make", action="store_true", help="only write the recordings")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    if options.make:
        make_files(read_table(options.table), bench, options.size)
        return
    # In a process of its own: what a child used at most includes what its parent held.
    measured([sys.executable, "-P", __file__, "--make", *sys.argv[1:]], bench.printed)
    compare(bench)
    if options.check and bench.missed:
        sys.exit(f"missed: {', '.join(bench.missed)}")


if __name__ == "__main__":
    main()
