"""Recording and measuring: one boot each, and what the plugin leaves."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from pkgafdo.artifacts import Vmlinux
from pkgafdo.errors import ArtifactError
from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.lbr import Guest, measure, parse_measure, plugin_of, preview_command, record
from pkgafdo.vm.plugin import Native
from pkgafdo.vm.settings import VmSettings
from tests.fakes.runner import FakeRunner
from tests.unit import elf_files
from tests.unit.vm.guests import REPORT, SUITE

SETTINGS = VmSettings(qemu="qemu", cpu="max")
NATIVE = Native(plugin=Path("/cache/vlbr.so"), window=Path("/cache/window"), api=1, qemu="7.2.22")
BASE = 0xFFFFFFFF81000000
NUMBERS = (
    "instructions 1000 taken_branches 100 l1i_misses 10 itlb_misses 1 discontinuities 7 "
    "lines_touched 6 pages_touched 2"
)
WINDOW = f"window {{}} seen 1 {NUMBERS}\n"
MEASURED = "vlbr-measure 1\n" + WINDOW.format(1) + WINDOW.format(2) + "end\n"


def counts_file(branches: list[tuple[int, int, int]]) -> bytes:
    """Return what the plugin writes for one window with these branches and no ranges."""
    total = sum(count for *_, count in branches)
    head = struct.pack("<6Q", 1, len(branches), 0, total, 0, 3)
    rows = b"".join(struct.pack("<3Q", *row) for row in branches)
    return b"VLBRCNT2" + head + rows + struct.pack("<6Q", 2**64 - 1, 1, 0, 0, 0, 0)


def write_vmlinux(path: Path, *, entry: bool = True) -> Vmlinux:
    """Write a vmlinux whose entry text is the second half of its text."""
    rows = [
        ("_stext", BASE, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1),
        ("_text", BASE, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1),
        ("_etext", BASE + 64, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1),
    ]
    if entry:
        rows += [
            ("__entry_text_start", BASE + 32, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1),
            ("__entry_text_end", BASE + 64, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1),
        ]
    text = elf_files.Part(".text", elf_files.PROGBITS, bytes(64), elf_files.EXECUTABLE, BASE)
    path.write_bytes(elf_files.elf(text, *elf_files.symbol_parts(rows, first=2)))
    return Vmlinux(path=path, build_id="ab" * 20, release="7.2.13")


@pytest.fixture
def guest(tmp_path) -> Guest:
    return Guest(
        image=tmp_path / "bzImage",
        vmlinux=write_vmlinux(tmp_path / "vmlinux"),
        initramfs=tmp_path / "two.cpio",
        suite=SUITE,
        folder=tmp_path,
        name="baseline-two",
    )


def qemu(counts: bytes) -> FakeRunner:
    """Return a runner whose QEMU finishes the suite and whose plugin writes these counts."""

    def boot(command: Command) -> Result:
        for name, text in (("id=console", "fine\n"), ("id=report", REPORT)):
            (value,) = (word for word in command.argv if name in word)
            Path(value.partition("path=")[2]).write_text(text)
        (plugin,) = (word for word in command.argv if word.startswith("file=/cache"))
        (out,) = (word[4:] for word in plugin.split(",") if word.startswith("out="))
        Path(out).write_bytes(counts)
        return Result(returncode=0)

    return FakeRunner(answers={"qemu": boot})


def test_the_plugin_is_told_mode_output_and_entry_text(guest) -> None:
    value = plugin_of(NATIVE, guest, "record", Path("/w/out"))
    assert value == (
        "file=/cache/vlbr.so,mode=record,out=/w/out,entry=ffffffff81000020-ffffffff81000040"
    )


def test_a_vmlinux_without_entry_symbols_is_refused(guest, tmp_path) -> None:
    write_vmlinux(guest.vmlinux.path, entry=False)
    with pytest.raises(ArtifactError, match="__entry_text_start") as caught:
        plugin_of(NATIVE, guest, "record", tmp_path / "out")
    assert caught.value.hint


def test_a_recording_is_a_table_that_says_where_it_came_from(guest) -> None:
    table = record(
        qemu(counts_file([(BASE, BASE + 16, 40), (BASE + 20, BASE, 2)])), SETTINGS, NATIVE, guest
    )
    assert (table.branches, table.distinct_branches) == (42, 2)
    meta = table.meta
    assert (meta.build_id, meta.kernelrelease) == ("ab" * 20, "7.2.13-pkgafdo-base")
    assert (meta.event, meta.period, meta.cpu) == ("virtual-lbr", 1, "max")
    assert [module.name for module in meta.modules] == ["ext4", "jbd2"]
    assert meta.extra["workload"] == "two"
    assert meta.extra["qemu"] == "7.2.22"
    assert meta.extra["windows"] == "1"


def test_a_recording_without_a_branch_is_refused(guest) -> None:
    with pytest.raises(ArtifactError, match="saw no kernel branch") as caught:
        record(qemu(counts_file([])), SETTINGS, NATIVE, guest)
    assert "1 in number" in caught.value.details


def test_counts_that_were_cut_short_are_refused(guest) -> None:
    with pytest.raises(ArtifactError):
        record(qemu(counts_file([(BASE, BASE, 1)])[:-8]), SETTINGS, NATIVE, guest)


def test_the_numbers_of_each_window_are_read() -> None:
    assert parse_measure(MEASURED) == {
        number: {
            "instructions": 1000,
            "taken_branches": 100,
            "l1i_misses": 10,
            "itlb_misses": 1,
            "lines_touched": 6,
            "pages_touched": 2,
        }
        for number in (1, 2)
    }


@pytest.mark.parametrize(
    "text",
    ["", "end\n", MEASURED.removesuffix("end\n"), MEASURED.replace("measure 1", "measure 2")],
)
def test_measurements_that_are_not_whole_are_refused(text: str) -> None:
    with pytest.raises(ArtifactError, match="not whole"):
        parse_measure(text)


def test_an_unknown_line_of_the_measurements_is_shown() -> None:
    with pytest.raises(ArtifactError) as caught:
        parse_measure(MEASURED.replace("end", "window x\nend"))
    assert caught.value.details == "window x"


def test_a_measurement_has_every_window_of_the_suite(guest) -> None:
    runner = qemu(MEASURED.encode())
    assert measure(runner, SETTINGS, NATIVE, guest).keys() == {1, 2}
    assert "mode=measure" in runner.commands[0]


def test_a_window_that_never_opened_is_an_error(guest) -> None:
    text = MEASURED.replace(WINDOW.format(2), "")
    with pytest.raises(ArtifactError, match=r"windows \[2\] of two were never opened"):
        measure(qemu(text.encode()), SETTINGS, NATIVE, guest)


def test_a_preview_shows_the_boot_with_placeholders() -> None:
    argv = preview_command(SETTINGS, Path("‹install-baseline.image›"), SUITE, "measure").argv
    assert argv[0] == "qemu"
    assert "‹install-baseline.image›" in argv
    assert "‹two.cpio›" in argv
    assert any("mode=measure" in word for word in argv)
