"""Tables that were recorded without vmlinux, moved to one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo.branches.meta import DropReason, ModuleMapping, TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.elf import TextBounds
from pkgafdo.perf.relink import relinked
from tests.fakes.perf_files import TEXT

SHIFT = 0x1A000000
MODULE = 0xFFFFFFFFC0000000
BOUNDS = TextBounds(
    text=TEXT, stext=TEXT + 0x40, etext=TEXT + 0x1000, sinittext=None, einittext=None,
    entry_text_start=None, entry_text_end=None,
)  # fmt: skip
ROWS = [
    (TEXT + SHIFT + 0x80, TEXT + SHIFT + 0x40),  # within the kernel
    (TEXT + SHIFT + 0xFF0, MODULE + 8),  # into the module
    (TEXT + SHIFT + 0x2000, TEXT + SHIFT + 0x2040),  # behind the kernel's code
]


def table(mark: str, *, base: int = TEXT + SHIFT):
    module = ModuleMapping(name="ext4", sections=((".text", MODULE),), size=0x100)
    meta = TableMeta(link_base=base, modules=(module,), extra={"addresses": mark})
    source, target = zip(*ROWS, strict=True)
    return from_counts((source, target, [5, 6, 7], [0, 0, 0]), ([], [], []), meta)


@pytest.mark.parametrize(
    ("mark", "base"), [("runtime _text", TEXT + SHIFT), ("runtime _stext", TEXT + SHIFT + 0x40)]
)
def test_the_kernel_is_moved_and_the_modules_stay(mark: str, base: int) -> None:
    moved = relinked(table(mark, base=base), BOUNDS)
    assert moved.branch_from.tolist() == [TEXT + 0x80, TEXT + 0xFF0]
    assert moved.branch_to.tolist() == [TEXT + 0x40, MODULE + 8]
    assert moved.branch_count.tolist() == [5, 6]
    assert moved.meta.link_base == TEXT
    assert moved.meta.dropped == {DropReason.OUTSIDE_TEXT: 7}
    assert moved.meta.extra == {"kaslr-shift": f"{SHIFT:#x}"}


def test_a_table_that_is_at_link_addresses_stays_as_it_is() -> None:
    there = table("runtime _text")
    there = replace(there, meta=replace(there.meta, extra={}))
    assert relinked(there, BOUNDS) is there


def test_a_table_of_unknown_addresses_stays_as_it_is_and_keeps_its_mark() -> None:
    lost = table("unknown")
    assert relinked(lost, BOUNDS) is lost
