"""Tables as the texts of other tools."""

from __future__ import annotations

import pytest

from pkgafdo import elf
from pkgafdo.branches.texts import (
    bolt_fdata,
    bolt_preaggregated,
    create_llvm_prof_text,
    unsymbolized_profile,
    write_lines,
)
from pkgafdo.elf import Segment
from tests.unit import elf_files
from tests.unit.branches.tables import TEXT, table_of

TABLE = table_of(
    [(TEXT, TEXT + 0x20, 5, 2), (TEXT + 0x24, TEXT + 0x1000, 1, 0)], [(TEXT + 0x20, TEXT + 0x24, 3)]
)
SEGMENT = Segment(type="PT_LOAD", flags=5, offset=0x200000, vaddr=TEXT, filesz=0x1000, memsz=0x2000)
NOTE = Segment(type="PT_NOTE", flags=4, offset=0, vaddr=TEXT, filesz=0x9000, memsz=0x9000)


def test_the_unsymbolized_profile_has_ranges_then_branches() -> None:
    assert "".join(unsymbolized_profile(TABLE)) == (
        "1\n"
        "ffffffff81000020-ffffffff81000024:3\n"
        "2\n"
        "ffffffff81000000->ffffffff81000020:5\n"
        "ffffffff81000024->ffffffff81001000:1\n"
    )


def test_an_empty_table_is_two_zeros() -> None:
    assert "".join(unsymbolized_profile(table_of())) == "0\n0\n"


def test_the_text_for_create_llvm_prof_has_file_offsets_and_only_what_is_in_the_file() -> None:
    assert "".join(create_llvm_prof_text(TABLE, [NOTE, SEGMENT])) == (
        "1\n200020-200024:3\n0\n1\n200000->200020:5\n"
    )


def test_the_preaggregated_text_has_mispredictions() -> None:
    assert "".join(bolt_preaggregated(TABLE)).splitlines() == [
        "B ffffffff81000000 ffffffff81000020 5 2",
        "B ffffffff81000024 ffffffff81001000 1 0",
        "F ffffffff81000020 ffffffff81000024 3",
    ]


def test_fdata_names_functions_and_leaves_out_what_is_in_none(tmp_path) -> None:
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    symbols = elf.symbols(tmp_path / "vmlinux")
    table = table_of([(TEXT + 4, TEXT + 0x1E, 5, 2), (TEXT, TEXT + 0x1000, 1, 0)])
    assert list(bolt_fdata(table, symbols)) == ["1 do_work 4 1 do_work 1e 2 5\n"]


def test_fdata_numbers_local_names_by_address_as_bolt_does(tmp_path) -> None:
    func, data, local, code = elf_files.FUNC, elf_files.OBJECT, elf_files.LOCAL, 1
    rows = [
        ("init", TEXT + 0x40, 16, func, local, code),
        ("init", TEXT + 0x20, 16, func, local, code),
        ("init", TEXT + 0x80, 16, func, elf_files.GLOBAL, code),
        ("init", TEXT + 0x20, 0, data, local, code),  # counts, behind the function at its address
        ("init", 0, 16, func, local, code),
        ("init", 7, 0, 4, local, 0xFFF1),  # a file's name
        ("other", TEXT + 0x10, 16, func, local, code),
    ]
    text = elf_files.Part(".text", elf_files.PROGBITS, bytes(256), elf_files.EXECUTABLE, TEXT)
    (tmp_path / "vmlinux").write_bytes(elf_files.elf(text, *elf_files.symbol_parts(rows, first=2)))
    table = table_of([(TEXT + 0x24, TEXT + 0x44, 5, 2), (TEXT + 0x84, TEXT + 0x10, 1, 0)])
    assert list(bolt_fdata(table, elf.symbols(tmp_path / "vmlinux"))) == [
        "1 init/1 4 1 init/3 4 2 5\n",
        "1 init 4 1 other/1 0 0 1\n",
    ]


def test_many_rows_are_all_written() -> None:
    rows = [(TEXT + i, TEXT + 2 * i, 1, 0) for i in range(70_000)]
    lines = "".join(unsymbolized_profile(table_of(rows))).splitlines()
    assert len(lines) == 2 + 70_000
    assert lines[-1] == f"{TEXT + 69_999:x}->{TEXT + 2 * 69_999:x}:1"


def test_lines_are_written_whole_or_not_at_all(tmp_path) -> None:
    def broken():
        yield "first\n"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_lines(tmp_path / "out", broken())
    assert list(tmp_path.iterdir()) == []
    write_lines(tmp_path / "out", ["a\n", "b\n"])
    assert (tmp_path / "out").read_text() == "a\nb\n"
