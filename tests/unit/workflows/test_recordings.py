"""Recordings recognised by their content, and tables written for other tools."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pkgafdo import log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.meta import DropReason, ModuleMapping, TableMeta
from pkgafdo.branches.store import read_table, write_table
from pkgafdo.branches.vlbr import MAGIC
from pkgafdo.errors import ArtifactError
from pkgafdo.workflows.recordings import (
    Form,
    describe_table,
    export_table,
    is_recording,
    is_script_text,
    read_source,
    read_sources,
    read_vmlinux,
    render_table_info,
    require_lines,
)
from tests.fakes import perf_files as pf
from tests.unit import elf_files
from tests.unit.branches.tables import BUILD_ID, TEXT, branch_rows, table_of

if TYPE_CHECKING:
    from pathlib import Path

TABLE = table_of([(TEXT + 4, TEXT + 16, 5, 1)], [(TEXT + 16, TEXT + 20, 5)])


@pytest.fixture
def vmlinux(tmp_path) -> Vmlinux:
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.vmlinux(base_symbol=True))
    return Vmlinux(path=path, build_id=BUILD_ID)


@pytest.fixture
def saved(tmp_path):
    write_table(TABLE, tmp_path / "table")
    return tmp_path / "table"


def counts_file() -> bytes:
    """Return the virtual LBR's counts of one branch, taken three times."""
    window = struct.pack("<6Q", 1, 1, 0, 3, 0, 0) + struct.pack("<3Q", TEXT + 4, TEXT + 8, 3)
    return MAGIC + window + struct.pack("<6Q", 2**64 - 1, 1, 0, 0, 0, 0)


def test_a_saved_table_is_read(saved) -> None:
    assert branch_rows(read_source(saved)) == branch_rows(TABLE)


def test_the_virtual_lbrs_counts_are_read_and_know_no_build_id(tmp_path) -> None:
    (tmp_path / "counts").write_bytes(counts_file())
    table = read_source(tmp_path / "counts")
    assert (table.branches, table.meta.event, table.meta.build_id) == (3, "virtual-lbr", "")


def test_perf_scripts_text_is_read(tmp_path) -> None:
    (tmp_path / "text").write_text(f"  {TEXT:x} 0x{TEXT + 4:x}/0x{TEXT + 16:x}/P/-/-/0\n" * 2)
    assert is_script_text(tmp_path / "text")
    table = read_source(tmp_path / "text", filters=False)
    assert branch_rows(table) == [(TEXT + 4, TEXT + 16, 2, 0)]


@pytest.mark.parametrize("lines", [2, 3000])
def test_perf_scripts_text_is_read_from_a_pipe_too(lines) -> None:
    text = f"  {TEXT:x} 0x{TEXT + 4:x}/0x{TEXT + 16:x}/P/-/-/0\n" * lines
    table = read_source(io.BytesIO(text.encode()), filters=False)
    assert branch_rows(table) == [(TEXT + 4, TEXT + 16, lines, 0)]
    assert (table.meta.event, table.meta.period) == ("unknown", 0)


def test_a_recording_is_read_from_a_pipe() -> None:
    event = pf.Event()
    content = pf.perf_pipe([event], [pf.kernel_mmap(), pf.sample(event, [(TEXT, TEXT, 0)])])
    assert branch_rows(read_source(io.BytesIO(content))) == [(TEXT, TEXT, 1, 0)]


@pytest.mark.parametrize("content", [b"", b"hello\n", b"PAR1", bytes(100_000)])
def test_anything_else_is_refused_from_a_pipe(content) -> None:
    with pytest.raises(ArtifactError, match="through the pipe is no recording") as caught:
        read_source(io.BytesIO(content))
    assert ("empty" in caught.value.message) is (content == b"")
    assert "--show-mmap-events" in caught.value.hint


def test_a_table_that_is_to_be_read_without_filters_is_warned_of(saved) -> None:
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    read_source(saved, filters=False)
    log.use(log.Terminal())
    assert "was left out of it when it was made stays out" in stream.getvalue()


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x7fELF", b"0x1/0x2", bytes(100)])
def test_anything_else_is_refused_with_what_is_known(tmp_path, content) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ArtifactError, match="is no recording") as caught:
        read_source(tmp_path / "x")
    assert "perf record -b" in caught.value.hint
    assert "--show-mmap-events" in caught.value.hint
    assert ("empty" in caught.value.message) is (content == b"")


def test_an_absent_file_is_told_as_such(tmp_path) -> None:
    assert not is_recording(tmp_path / "gone")
    with pytest.raises(ArtifactError, match="cannot be read: No such file"):
        read_source(tmp_path / "gone")


def test_a_folder_is_told_as_such(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="is a folder"):
        read_source(tmp_path)


def test_a_truncated_recording_is_refused(tmp_path) -> None:
    (tmp_path / "perf.data").write_bytes(b"PERFILE2" + bytes(20))
    with pytest.raises(ArtifactError):
        read_source(tmp_path / "perf.data")


def test_several_of_one_kernel_are_added_up(saved, vmlinux) -> None:
    table = read_sources([saved, saved], vmlinux)
    assert branch_rows(table) == [(TEXT + 4, TEXT + 16, 10, 2)]


def test_one_of_another_kernel_is_refused_unless_allowed(saved, vmlinux) -> None:
    foreign = Vmlinux(path=vmlinux.path, build_id="beef")
    with pytest.raises(ArtifactError, match="of another kernel"):
        read_sources([saved], foreign)
    assert read_sources([saved], foreign, allow_mismatch=True).branches == 5


def test_a_vmlinux_is_known_by_its_build_id(vmlinux) -> None:
    assert read_vmlinux(vmlinux.path).build_id == BUILD_ID
    require_lines(vmlinux)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (elf_files.elf(), "it was stripped"),
        (b"\x1f\x8b and more", "compressed boot image"),
        (b"", "not an ELF file"),
    ],
)
def test_what_is_no_vmlinux_is_refused(tmp_path, content, sentence) -> None:
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(ArtifactError, match=sentence):
        read_vmlinux(tmp_path / "v")


def test_a_vmlinux_without_line_tables_is_refused(tmp_path) -> None:
    (tmp_path / "v").write_bytes(elf_files.vmlinux(lines=False))
    with pytest.raises(ArtifactError, match="no line tables"):
        require_lines(read_vmlinux(tmp_path / "v"))


def recording(path: Path, shift: int, *, mapped: bool = True) -> Path:
    """Write a recording of the branch and the range of TABLE, of a kernel that KASLR moved."""
    event, base = pf.Event(), TEXT + shift
    stack = [(base + 20, base + 4, 2), (base + 4, base + 16, 2)]
    mapping = [pf.mmap("[kernel.kallsyms]_text", base, 64, base)] if mapped else []
    path.write_bytes(pf.perf_file([event], [*mapping, pf.sample(event, stack)]))
    return path


@pytest.mark.parametrize("form", Form)
def test_a_table_read_without_vmlinux_is_moved_to_it_before_it_is_used(
    tmp_path, vmlinux, form
) -> None:
    perf_data = recording(tmp_path / "perf.data", 0x1A000000)
    direct = read_sources([perf_data], vmlinux)
    write_table(read_sources([perf_data]), tmp_path / "table")
    later = read_sources([tmp_path / "table"], vmlinux)
    assert branch_rows(later) == [(TEXT + 4, TEXT + 16, 1, 0), (TEXT + 20, TEXT + 4, 1, 0)]
    for name, table in (("direct", direct), ("later", later)):
        export_table(table, vmlinux, form, tmp_path / name)
    assert (tmp_path / "later").read_bytes() == (tmp_path / "direct").read_bytes()


def test_two_boots_are_added_up_with_vmlinux_and_without_it_the_move_is_told(
    tmp_path, vmlinux
) -> None:
    boots = [recording(tmp_path / f"{at:x}", at) for at in (0x1A000000, 0x2C000000)]
    tables = []
    for boot in boots:
        write_table(read_sources([boot]), boot.with_suffix(".table"))
        tables.append(boot.with_suffix(".table"))
    for sources in (boots, tables):
        assert branch_rows(read_sources(sources, vmlinux))[0] == (TEXT + 4, TEXT + 16, 2, 0)
        with pytest.raises(ArtifactError, match="lay elsewhere") as caught:
            read_sources(sources)
        assert "--vmlinux" in caught.value.hint


def test_a_recording_of_a_hidden_kernel_is_refused_unless_allowed(tmp_path, vmlinux) -> None:
    perf_data = recording(tmp_path / "perf.data", 0, mapped=False)
    write_table(read_sources([perf_data]), tmp_path / "table")
    for source in (perf_data, tmp_path / "table"):
        with pytest.raises(ArtifactError, match="does not say where the kernel lay"):
            read_sources([source], vmlinux)
        assert read_sources([source], vmlinux, allow_mismatch=True).branches == 2


def test_text_of_perf_script_needs_the_kernels_mapping(tmp_path, vmlinux) -> None:
    path = tmp_path / "text"
    path.write_text(f"  {TEXT:x} 0x{TEXT + 4:x}/0x{TEXT + 16:x}/P/-/-/0\n")
    with pytest.raises(ArtifactError, match="where the kernel lay") as caught:
        read_sources([path], vmlinux)
    assert "--show-mmap-events" in caught.value.hint
    base = TEXT + 0x1A000000
    path.write_text(
        f"PERF_RECORD_MMAP -1/0: [0x{base:x}(0x40) @ 0x{base:x}]: x [kernel.kallsyms]_text\n"
        f"  {base:x} 0x{base + 4:x}/0x{base + 16:x}/P/-/-/0\n"
    )
    assert branch_rows(read_sources([path], vmlinux)) == [(TEXT + 4, TEXT + 16, 1, 0)]


@pytest.mark.parametrize("order", [("own", "other"), ("other", "own")])
def test_what_was_mixed_without_vmlinux_is_warned_of_and_refused_with_it(
    tmp_path, vmlinux, order, capsys
) -> None:
    write_table(table_of(meta=TableMeta(build_id="bb", link_base=TEXT)), tmp_path / "other")
    write_table(TABLE, tmp_path / "own")
    mixed = read_sources([tmp_path / name for name in order], allow_mismatch=True)
    assert "of several kernels" in capsys.readouterr().err
    write_table(mixed, tmp_path / "mixed")
    with pytest.raises(ArtifactError, match="of another kernel") as caught:
        read_sources([tmp_path / "mixed"], vmlinux)
    assert "build-id of the recording: bb\n" in caught.value.details
    assert "build-id " + " + ".join(
        BUILD_ID if name == "own" else "bb" for name in order
    ) in render_table_info(describe_table(mixed))


def test_the_description_has_the_contracts_keys() -> None:
    info = describe_table(TABLE)
    wanted = {
        "samples", "branches", "ranges", "distinct_branches", "distinct_ranges", "dropped", "lost",
        "build_id", "event", "period",
    }  # fmt: skip
    assert wanted <= info.keys()
    assert (info["branches"], info["mispredicted"], info["distinct_ranges"]) == (5, 1, 1)


def test_the_description_reads_well() -> None:
    meta = TableMeta(
        build_id="ab", kernelrelease="7.2.13", event="cycles", period=7, samples=1000, lost=2,
        dropped={DropReason.USER: 1234},
        modules=(ModuleMapping(name="ext4", sections=((".text", 1),), size=1),),
    )  # fmt: skip
    text = render_table_info(describe_table(table_of([(1, 2, 3, 0)], [], meta)))
    assert "7.2.13, build-id ab" in text
    assert "cycles, period 7" in text
    assert "1,000 (2 lost)" in text
    assert "1,234 user" in text
    assert "modules    ext4" in text


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        (
            TableMeta(event="BR_INST_RETIRED.NEAR_TAKEN:k", period=7),
            "NEAR_TAKEN:k, every 7 branches",
        ),
        (TableMeta(event="cycles:k", period=17), "cycles:k, period 17"),
        (TableMeta(event="", period=0), "unknown, period unknown"),
    ],
)
def test_a_period_counts_branches_only_where_the_event_does(meta, said) -> None:
    assert said in render_table_info(describe_table(table_of([(1, 2, 3, 0)], [], meta)))


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        (Form.PROFGEN, b"1\nffffffff81000010-ffffffff81000014:5\n1\n"),
        (Form.CREATE_LLVM_PROF, b"0\n0\n0\n"),  # no segments, so no offsets
        (Form.PROPELLER_PROTO, b"\x0a"),
        (Form.FDATA, b"1 do_work 4 1 do_work 10 1 5\n"),
        (Form.PREAGG, b"B ffffffff81000004 ffffffff81000010 5 1\n"),
    ],
)
def test_a_table_is_written_in_each_form(tmp_path, vmlinux, form, begins) -> None:
    export_table(TABLE, vmlinux, form, tmp_path / "out")
    assert (tmp_path / "out").read_bytes().startswith(begins)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "vmlinux"]


def test_a_damaged_table_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-40])
    with pytest.raises(ArtifactError, match="not a readable branch table"):
        read_source(saved)


def test_reading_changes_no_count(saved) -> None:
    assert np.array_equal(read_table(saved).range_count, TABLE.range_count)


@pytest.mark.parametrize(("magic", "said"), [(b"2ELIFREP", "big-endian"), (b"PERFFILE", "first")])
def test_a_recording_that_cannot_be_read_is_told_by_its_own_fault(tmp_path, magic, said) -> None:
    path = tmp_path / "perf.data"
    path.write_bytes(magic + bytes(200))
    assert is_recording(path)
    with pytest.raises(ArtifactError, match=said):
        read_source(path, vmlinux=None)
