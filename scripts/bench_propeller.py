"""Print how long a Propeller layout takes, for one kernel and at distribution size, and what it is worth.

A program of distribution size is the kernel several times over, side by side in the address space:
its map, its counts and its graph. Names and source files are looked up once for each copy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf
from pkgafdo.branches.store import read_table
from pkgafdo.branches.table import from_counts
from pkgafdo.propeller.addrmap import SECTION, AddressMap, decode_map, read_address_map
from pkgafdo.propeller.cfg import build_graph
from pkgafdo.propeller.flow import count_flow
from pkgafdo.propeller.functions import describe_functions
from pkgafdo.propeller.layout import Layout, lay_out
from pkgafdo.propeller.settings import BlockMethod, GraphLimits, LayoutSettings
from pkgafdo.propeller.write import write_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pkgafdo.branches.columns import Column
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.propeller.graph import ProgramGraph

    Ints = NDArray[np.int64]

APART: Final = 1 << 28
"""Bytes between two copies of the kernel."""
BLOCKS: Final = 200_000
"""Executed blocks of a program of distribution size, at the least."""
LIMITS: Final = {
    "kernel, all of it": 10.0,
    "distribution size, all of it": 60.0,
    "distribution size, peak memory": 2048.0,
}
"""The most that each may be; with --check, more is a failure."""


class Clock:
    """Seconds of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def peak_mebibytes() -> float:
    """Return how much memory this process held at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def repeat_map(found: AddressMap, times: int) -> AddressMap:
    """Return a map of so many kernels side by side."""
    shifts = np.arange(times, dtype=np.uint64) * np.uint64(APART)
    base = found.entry.min() & ~np.uint64(APART - 1)
    return replace(
        found,
        entry=(found.entry - base + np.uint64(APART) + shifts[:, None]).reshape(-1),
        start=(found.start - base + np.uint64(APART) + shifts[:, None]).reshape(-1),
        first_block=repeat_bounds(found.first_block, times),
        size=np.tile(found.size, times),
        ids=np.tile(found.ids, times),
        flags=np.tile(found.flags, times),
    )


def repeat_table(table: BranchTable, base: int, times: int) -> BranchTable:
    """Return the counts of so many kernels side by side; those outside the kernel's are left out."""
    lowest = np.uint64(base & ~(APART - 1))
    inside = [
        (part >= lowest) & (part < lowest + np.uint64(APART))
        for part in (table.branch_from, table.branch_to, table.range_start, table.range_end)
    ]
    branches, ranges = inside[0] & inside[1], inside[2] & inside[3]
    shifts = (np.arange(1, times + 1, dtype=np.uint64) * np.uint64(APART))[:, None] - lowest

    def moved(column: Column, kept: NDArray[np.bool_]) -> Column:
        return (column[kept] + shifts).reshape(-1)

    return from_counts(
        (
            moved(table.branch_from, branches),
            moved(table.branch_to, branches),
            np.tile(table.branch_count[branches], times),
            np.tile(table.branch_mispredicted[branches], times),
        ),
        (
            moved(table.range_start, ranges),
            moved(table.range_end, ranges),
            np.tile(table.range_count[ranges], times),
        ),
        table.meta,
    )


def repeat_bounds(bounds: Ints, times: int) -> Ints:
    """Return the CSR bounds of rows repeated so many times."""
    steps = np.tile(np.diff(bounds), times)
    return np.concatenate(([0], np.cumsum(steps)))


def repeat_graph(graph: ProgramGraph, times: int) -> ProgramGraph:
    """Return the graph of so many kernels; the copies' functions have names of their own."""

    def blocks(column: Ints) -> Ints:
        return (column + np.arange(times)[:, None] * graph.blocks).reshape(-1)

    def functions(column: Ints) -> Ints:
        return (column + np.arange(times)[:, None] * graph.functions).reshape(-1)

    tiled = (
        "entries", "movable", "addresses", "ids", "sizes", "flags", "counts", "edge_weights",
        "edge_taken", "call_weights",
    )  # fmt: skip
    return replace(
        graph,
        names=tuple(f"{name}.copy{copy}" for copy in range(times) for name in graph.names),
        aliases=graph.aliases * times,
        modules=graph.modules * times,
        first_block=repeat_bounds(graph.first_block, times),
        edge_src=blocks(graph.edge_src),
        edge_dst=blocks(graph.edge_dst),
        call_src=blocks(graph.call_src),
        call_dst=functions(graph.call_dst),
        **{name: np.tile(getattr(graph, name), times) for name in tiled},
    )


def section_bytes(vmlinux: Path) -> bytes:
    """Return the content of the address map's sections."""
    with vmlinux.open("rb") as stream:
        data = b""
        for section in elf.sections(vmlinux):
            if section.name == SECTION:
                stream.seek(section.offset)
                data += stream.read(section.size)
    return data


def lay_out_kernel(options: argparse.Namespace) -> dict[str, object]:
    """Lay out the kernel as it is, after the loops were loaded (or compiled) by doing so once."""
    table, clock, warm_up = read_table(options.table), Clock(), Clock()
    limits, settings = GraphLimits(), LayoutSettings()
    with warm_up.step("the first time"):
        lay_out(build_graph(options.vmlinux, table, limits, allow_mismatch=True), settings)
    with clock.step("map and graph"):
        graph = build_graph(options.vmlinux, table, limits, allow_mismatch=True)
    with clock.step("layout"):
        layout = lay_out(graph, settings)
    write_timed(clock, layout)
    worth = {method.value: worth_of(graph, method) for method in BlockMethod}
    facts = {"functions": graph.functions, "blocks": int((graph.counts > 0).sum())}
    return facts | {"seconds": clock.seconds, "first": warm_up.seconds, "worth": worth}


def lay_out_distribution(options: argparse.Namespace) -> dict[str, object]:
    """Lay out the kernel several times over."""
    table, clock = read_table(options.table), Clock()
    graph = build_graph(options.vmlinux, table, GraphLimits(), allow_mismatch=True)
    times = -(-BLOCKS // int((graph.counts > 0).sum()))
    found, data = read_address_map(options.vmlinux), section_bytes(options.vmlinux) * times
    repeated = repeat_table(table, int(found.entry.min()), times)
    with clock.step("map"):
        decode_map(data)
    with clock.step("graph"):
        flow = count_flow(repeat_map(found, times), repeated)
    assert flow.counts.sum() > 0
    with clock.step("names and source files"):
        for _ in range(times):
            describe_functions(options.vmlinux, graph.addresses)
    whole = repeat_graph(graph, times)
    with clock.step("layout"):
        layout = lay_out(whole, LayoutSettings())
    write_timed(clock, layout)
    facts = {"functions": whole.functions, "blocks": int((whole.counts > 0).sum())}
    return facts | {"seconds": clock.seconds, "mapped": found.blocks * times}


def write_timed(clock: Clock, layout: Layout) -> None:
    """Write the two files of a layout to a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder, clock.step("writing"):
        write_profiles(layout, Path(folder) / "kernel")


def worth_of(graph: ProgramGraph, method: BlockMethod) -> dict[str, float]:
    """Return what is expected of a layout of the blocks in this way."""
    layout = lay_out(graph, LayoutSettings(blocks=method))
    before, after = layout.before, layout.after
    return {
        "before": before.fall_through_share,
        "after": after.fall_through_share,
        "jumping": after.jumping / before.jumping,
        "score": after.score / before.score,
    }


def in_child(job: str, options: argparse.Namespace) -> dict[str, object]:
    """Do a job in a process of its own, whose peak memory is its alone."""
    argv = [sys.executable, "-P", __file__, str(options.vmlinux), str(options.table), "--job", job]
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader)]
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader) as stream:
        printed = stream.read()
    if os.waitpid(pid, 0)[1]:
        sys.exit(f"{' '.join(argv)} failed")
    measured: dict[str, object] = json.loads(printed)
    return measured


def show(name: str, value: float, unit: str) -> bool:
    """Print one number, with its limit if it has one; tell whether it keeps it."""
    limit = f"(limit: ≤ {LIMITS[name]:g})" if name in LIMITS else ""
    print(f"{name:<44s}{value:10.3f} {unit:<5s}{limit}".rstrip(), flush=True)
    return name not in LIMITS or value <= LIMITS[name]


def report(name: str, measured: dict) -> bool:
    """Print what one job took; tell whether it keeps its limits."""
    print(f"{name}: {measured['functions']:,} functions, {measured['blocks']:,} executed blocks")
    for step, seconds in measured["seconds"].items():
        show(f"  {step}", seconds, "s")
    return all(
        [
            show(f"{name}, all of it", sum(measured["seconds"].values()), "s"),
            show(f"{name}, peak memory", measured["peak"], "MiB"),
        ]
    )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="bench-propeller", description=__doc__)
    parser.add_argument("vmlinux", type=Path, help="vmlinux.unstripped of a kernel with the map")
    parser.add_argument("table", type=Path, help="its branch table (.parquet)")
    parser.add_argument("--check", action="store_true", help="fail where a limit is not kept")
    parser.add_argument("--job", choices=("kernel", "distribution"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        job = lay_out_kernel if options.job == "kernel" else lay_out_distribution
        print(json.dumps(job(options) | {"peak": peak_mebibytes()}))
        return
    kernel = in_child("kernel", options)
    kept = report("kernel", kernel)
    show("  and the first time (compiles, unless kept)", kernel["first"]["the first time"], "s")
    kept &= report("distribution size", in_child("distribution", options))
    print("\nblocks      falls through   jumps, of before   ext-TSP score, of before")
    worth: dict = kernel["worth"]
    print(f"{'as built':<12s}{worth['source']['before']:13.1%}{1:19.3f}{1:27.4f}")
    for method, values in worth.items():
        shares = f"{values['after']:13.1%}{values['jumping']:19.3f}{values['score']:27.4f}"
        print(f"{method:<12s}{shares}")
    if options.check and not kept:
        sys.exit("a limit is not kept")


if __name__ == "__main__":
    main()
