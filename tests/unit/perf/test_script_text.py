"""What perf script prints."""

from __future__ import annotations

import pytest

from pkgafdo.branches.meta import DropReason, ModuleMapping
from pkgafdo.elf import TextBounds
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.script_text import read_script_text
from tests.fakes.perf_files import TEXT
from tests.unit.branches.tables import branch_rows, range_rows

BOUNDS = TextBounds(
    text=TEXT, stext=TEXT, etext=TEXT + 0x1000, sinittext=None, einittext=None,
    entry_text_start=None, entry_text_end=None,
)  # fmt: skip
KERNEL = (
    "PERF_RECORD_MMAP -1/0: [0xffffffff9b000000(0x66c8c8) @ 0xffffffff9b000000]: x "
    "[kernel.kallsyms]_text"
)
LINE = (
    " ffffffff9b000010 0xffffffff9b000020/0xffffffff9b000010/M/-/-/0/  "
    "0xffffffff9b000000/0xffffffff9b000018/P/-/-/12/COND/- "
)


def test_stacks_are_counted_and_moved_to_link_addresses() -> None:
    table = read_script_text([KERNEL, LINE, LINE], text=BOUNDS)
    assert branch_rows(table) == [(TEXT, TEXT + 0x18, 2, 0), (TEXT + 0x20, TEXT + 0x10, 2, 2)]
    assert range_rows(table) == [(TEXT + 0x18, TEXT + 0x20, 2)]
    assert (table.meta.samples, table.meta.source) == (2, "perf script")


def test_modules_are_known_by_their_mappings() -> None:
    module = (
        "PERF_RECORD_MMAP -1/0: [0xffffffffc01e5000(0x30000) @ 0]: x "
        "/lib/modules/6.1/kernel/drivers/net/idpf.ko"
    )
    table = read_script_text([KERNEL, module, LINE])
    assert table.meta.modules == (
        ModuleMapping(name="idpf", sections=((".text", 0xFFFFFFFFC01E5000),), size=0x30000),
    )


def test_a_number_repeats_the_next_stack() -> None:
    table = read_script_text([KERNEL, "300000\n", LINE, LINE])
    assert table.meta.samples == 300_001
    assert table.branches == 2 * 300_001


def test_a_number_holds_beyond_the_lines_that_are_read_at_once() -> None:
    table = read_script_text([KERNEL, *[LINE] * 4094, "5", LINE])
    assert table.meta.samples == 4094 + 5


def test_wrong_paths_are_left_out() -> None:
    line = " 0 0xffffffff9b000020/0xffffffff9b000010/P/-/-/0/COND/SPEC_WRONG_PATH "
    table = read_script_text([KERNEL, LINE, line])
    assert table.branches == 2
    assert table.meta.dropped == {DropReason.WRONG_PATH: 1}


def test_without_filters_all_entries_count() -> None:
    line = "  0x400000/0x400010/PN/-/-/0 0x1/0x2/-/-/-/0"
    table = read_script_text([line], filters=False)
    assert branch_rows(table) == [(1, 2, 1, 0), (0x400000, 0x400010, 1, 0)]
    assert range_rows(table) == [(2, 0x400000, 1)]


@pytest.mark.parametrize(
    "lines", [[], ["perf 7 [000] 1.0: cycles:"], [KERNEL], ["x+0x1/y+0x2/P/-/-/0"], ["12"]]
)
def test_text_without_stacks_is_refused_with_the_command(lines) -> None:
    with pytest.raises(ArtifactError, match="no branch stacks") as caught:
        read_script_text(lines)
    assert "-F ip,brstack" in caught.value.hint


def test_absurd_repetitions_are_refused() -> None:
    with pytest.raises(ArtifactError, match="more than 268435456 samples"):
        read_script_text(["999999999999", LINE])
