"""How much of a kernel's code is executed, and how little of it is hot."""

from __future__ import annotations

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import BranchTable, from_counts
from pkgafdo.report.layout import executed_bytes, layout_of

START, END = 0x1000, 0x5000


def table(*ranges: tuple[int, int, int]) -> BranchTable:
    starts, ends, counts = ([row[place] for row in ranges] for place in range(3))
    return from_counts(([], [], [], []), (starts, ends, counts), TableMeta(build_id="00"))


def test_bytes_that_several_runs_share_count_once() -> None:
    # 0x1000 … 0x100f and 0x1008 … 0x1017 overlap; 0x2000 stands alone.
    found = executed_bytes(table((0x1000, 0x100F, 5), (0x1008, 0x1017, 1), (0x2000, 0x2000, 1)),
                           START, END)  # fmt: skip
    assert found[0] == 0x18 + 1


def test_the_fewest_bytes_with_99_percent_of_the_executions_are_hot() -> None:
    counts = table((0x1000, 0x1009, 10_000), (0x2000, 0x2063, 1))
    assert executed_bytes(counts, START, END) == (110, 10)


def test_what_runs_elsewhere_is_none_of_it() -> None:
    assert executed_bytes(table((0x9000, 0x9010, 5)), START, END) == (0, 0)
    assert executed_bytes(table(), START, END) == (0, 0)


def test_a_layout_tells_hot_and_executed_bytes_beside_lines_and_pages() -> None:
    layout = layout_of(table((0x1000, 0x107F, 9)), START, END)
    assert (layout["executed_bytes"], layout["hot_bytes"]) == (128, 128)
    assert (layout["lines_touched"], layout["pages_touched"]) == (2, 1)
