"""Where branches are taken, and how hot code lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pkgafdo.branches.meta import ModuleMapping, TableMeta
from pkgafdo.branches.table import BranchTable, from_counts
from pkgafdo.report.layout import LINE, PAGE, layout_of, line_fetches
from pkgafdo.report.places import (
    UNKNOWN,
    Place,
    cold_bytes,
    group_places,
    places_of,
    source_in_tree,
    subsystem_of,
)
from pkgafdo.symtab import SymbolTable

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE = 0xFFFFFFFF81000000


def symbols(*rows: tuple[str, int, int]) -> SymbolTable:
    strings, offsets = b"\0", []
    for name, _, _ in rows:
        offsets.append(len(strings))
        strings += name.encode() + b"\0"
    n = len(rows)
    return SymbolTable(
        address=np.array([row[1] for row in rows], dtype=np.uint64),
        size=np.array([row[2] for row in rows], dtype=np.uint64),
        type=np.full(n, 2, dtype=np.uint8),
        binding=np.ones(n, dtype=np.uint8),
        section=np.ones(n, dtype=np.uint16),
        executable=np.ones(n, dtype=bool),
        name_offset=np.array(offsets, dtype=np.uint32),
        strings=strings,
    )


def table(
    branches: Sequence[tuple[int, int]], ranges: Sequence[tuple[int, int, int]] = (), **meta: Any
) -> BranchTable:
    sources = [source for source, _ in branches]
    counts = [count for _, count in branches]
    starts, ends, passed = ([row[i] for row in ranges] for i in range(3))
    return from_counts(
        (sources, [BASE] * len(branches), counts, [0] * len(branches)),
        (starts, ends, passed),
        TableMeta(**meta),
    )


def plain(name: str) -> str:
    return name.removesuffix(".cold")


def test_parts_of_a_function_count_together_at_the_hotter_address() -> None:
    known = symbols(("f", BASE, 64), ("f.cold", BASE + 640, 64), ("g", BASE + 64, 64))
    found = places_of(table([(BASE + 5, 10), (BASE + 650, 3), (BASE + 70, 11)]), known, plain)
    assert found == (
        Place(name="f", address=BASE, count=13),
        Place(name="g", address=BASE + 64, count=11),
    )


def test_cold_parts_are_measured() -> None:
    known = symbols(("f", BASE, 64), ("f.cold", BASE + 640, 24), ("g.cold", BASE + 700, 8))
    assert cold_bytes(known) == 32
    assert cold_bytes(symbols(("f", BASE, 64))) == 0


def test_no_branch_is_lost() -> None:
    module = ModuleMapping(name="ext4", sections=((".text", BASE + 0x10000),), size=0x1000)
    rows = [(BASE + 1, 5), (BASE + 0x10010, 7), (BASE + 0x90000, 2)]
    found = places_of(table(rows, modules=(module,)), symbols(("f", BASE, 64)), plain)
    assert {place.name: place.count for place in found} == {
        "f": 5,
        "ext4 (module)": 7,
        "outside every symbol": 2,
    }


def test_sources_are_known_by_their_place_in_the_tree() -> None:
    roots = ("/build/objects", "/src/net/linux/")
    assert source_in_tree("/src/net/linux/mm/memory.c", roots) == "mm/memory.c"
    assert source_in_tree("/build/objects/../x.c", roots) == "x.c"
    assert source_in_tree("./include/linux/tick.h", roots) == "include/linux/tick.h"
    assert source_in_tree("/elsewhere/mm/memory.c", roots) == ""


def test_subsystems_are_one_or_two_folders() -> None:
    assert subsystem_of("fs/ext4/file.c") == "fs/ext4"
    assert subsystem_of("fs/namei.c") == "fs"
    assert subsystem_of("mm/kasan/report.c") == "mm"
    assert subsystem_of("arch/x86/entry/syscall_64.c") == "arch/x86"
    assert subsystem_of("") == UNKNOWN
    assert subsystem_of("file.c") == UNKNOWN


def test_groups_fall_by_count_and_add_up() -> None:
    places = (
        Place(name="a", address=1, count=5),
        Place(name="b", address=2, count=4),
        Place(name="c", address=3, count=3),
        Place(name="ext4 (module)", address=0, count=1, module="ext4"),
    )
    groups = group_places(places, {"a": "fs/x.c", "b": "mm/y.c", "c": "mm/z.c"})
    assert [(group["name"], group["count"]) for group in groups] == [
        ("mm", 7),
        ("fs", 5),
        ("modules", 1),
    ]


def test_a_range_fetches_every_line_that_it_touches() -> None:
    ranges = [(BASE + 60, BASE + 64, 10), (BASE + 128, BASE + 130, 1)]
    lines = line_fetches(table([], ranges), BASE, BASE + PAGE)
    assert lines[:3].tolist() == [10, 10, 1]
    assert len(lines) == PAGE // LINE
    assert lines[3:].sum() == 0


def test_ranges_outside_the_text_are_left_out() -> None:
    ranges = [(BASE - 64, BASE - 60, 4), (BASE + 2 * PAGE, BASE + 2 * PAGE + 1, 4)]
    assert line_fetches(table([], ranges), BASE, BASE + PAGE).sum() == 0


def test_pages_and_lines_are_counted() -> None:
    hot, cold = BASE + PAGE, BASE + 3 * PAGE + 100
    ranges = [(hot, hot + 3, 1000), (cold, cold + 2 * LINE, 1)]
    found = layout_of(table([], ranges), BASE, BASE + 5 * PAGE)
    assert found["pages"] == [0, 1000, 0, 3, 0]
    assert (found["pages_touched"], found["pages_hot"]) == (2, 1)
    assert (found["lines_touched"], found["lines_hot"]) == (4, 1)
    assert found["fetches"] == 1003


def test_nothing_executed_is_nothing_touched() -> None:
    found = layout_of(table([]), BASE, BASE + PAGE)
    assert (found["pages_touched"], found["pages_hot"], found["fetches"]) == (0, 0, 0)
