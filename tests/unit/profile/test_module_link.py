"""Finding a module's object and putting its sections where they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pkgafdo import elf
from pkgafdo.elf import Section
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.module_link import (
    PlacedSection,
    check_identity,
    executable_layout,
    find_module_files,
    link_command,
    linker_script,
    module_name,
    place_anywhere,
    place_sections,
    place_symbols,
    read_modinfo,
)
from tests.unit.profile.module_files import BASE, BUILD_ID, TEXT_SIZE, ko, mapping

CODE, DATA = 6, 3


def section(name: str, *, flags: int = CODE, size: int = 10, align: int = 16) -> Section:
    return Section(
        name=name, type="SHT_PROGBITS", flags=flags, address=0, offset=0, size=size, align=align
    )


@pytest.fixture
def jbd2(tmp_path):
    path = tmp_path / "jbd2.ko"
    path.write_bytes(ko())
    return path


@pytest.mark.parametrize(
    ("line", "name"), [("fs/ext4/ext4.o", "ext4"), ("kernel/net/nf-tables.ko", "nf_tables")]
)
def test_modules_order_names_the_files_of_new_and_old_trees(tmp_path, line, name) -> None:
    path = (tmp_path / line.removeprefix("kernel/")).with_suffix(".ko")
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "other.ko").touch()
    (tmp_path / "modules.order").write_text(f"{line}\nfs/not-built.o\n")
    assert find_module_files(tmp_path) == {name: path}


def test_a_folder_without_modules_order_is_searched(tmp_path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/nf-nat.ko").touch()
    assert find_module_files(tmp_path) == {"nf_nat": tmp_path / "deep/nf-nat.ko"}


def test_an_absent_folder_has_no_modules(tmp_path) -> None:
    assert find_module_files(tmp_path / "gone") == {}


def test_a_modules_name_has_underscores() -> None:
    assert module_name(Path("/x/nf-nat.ko.zst")) == "nf_nat"


def test_code_is_laid_out_in_the_files_order_and_aligned() -> None:
    sections = [
        section(".text"), section(".data", flags=DATA), section(".init.text"),
        section(".text.unlikely", align=32), section(".exit.text", align=1),
    ]  # fmt: skip
    assert executable_layout(sections) == {".text": 0, ".text.unlikely": 32, ".exit.text": 42}


def test_perfs_mapping_places_all_code(jbd2) -> None:
    placed = place_sections(elf.sections(jbd2), mapping())
    assert [(one.name, one.address, one.size) for one in placed] == [
        (".text", BASE, TEXT_SIZE),
        (".exit.text", BASE + TEXT_SIZE, 8),
    ]
    assert jbd2.read_bytes()[placed[0].offset] == 0xC3


def test_a_mapping_begins_with_what_comes_first_in_the_file() -> None:
    sections = [section(".text..first", size=20), section(".text")]
    first, text = place_sections(sections, mapping((".text", BASE)))
    assert (first.address, text.address) == (BASE, BASE + 32)


def test_recorded_sections_that_fit_are_accepted(jbd2) -> None:
    known = ((".text", BASE), (".exit.text", BASE + TEXT_SIZE), (".init.text", BASE - 4096))
    assert len(place_sections(elf.sections(jbd2), mapping(*known))) == 2


def test_a_recorded_section_elsewhere_is_another_module(jbd2) -> None:
    known = ((".text", BASE), (".exit.text", BASE + 4096))
    with pytest.raises(ArtifactError, match=r"\.exit\.text was loaded at 0xffffffffa0003000"):
        place_sections(elf.sections(jbd2), mapping(*known))


def test_more_code_than_was_loaded_is_another_module(jbd2) -> None:
    with pytest.raises(ArtifactError, match="72 bytes of code; 64 were loaded"):
        place_sections(elf.sections(jbd2), mapping(size=64))


def test_a_module_without_code_is_refused() -> None:
    with pytest.raises(ArtifactError, match="no code"):
        place_sections([section(".data", flags=DATA)], mapping())


def test_a_module_that_did_not_run_is_placed_somewhere(jbd2) -> None:
    assert [one.name for one in place_anywhere(jbd2)] == [".text", ".exit.text"]


def test_symbols_are_placed_with_their_sections(jbd2) -> None:
    placed = place_sections(elf.sections(jbd2), mapping())
    symbols = place_symbols(jbd2, placed)
    found = symbols.find(np.array([BASE - 1, BASE, BASE + 31, BASE + 32, 0], dtype=np.uint64))
    assert [symbols.name(one) if one >= 0 else "" for one in found] == [
        *("", "jbd2_work", "jbd2_work", "", "")
    ]


def test_symbols_of_code_that_was_not_loaded_are_none(jbd2) -> None:
    placed = [one for one in place_sections(elf.sections(jbd2), mapping()) if one.name != ".text"]
    assert place_symbols(jbd2, placed).functions().tolist() == []


def test_modinfo_is_read(jbd2) -> None:
    assert read_modinfo(jbd2)["vermagic"] == "7.2.13-dev SMP preempt"


@pytest.mark.parametrize(
    ("build_id", "release"), [("", ""), (BUILD_ID.hex(), "7.2.13-dev"), ("", "7.2.13-dev")]
)
def test_the_same_module_is_accepted(jbd2, build_id, release) -> None:
    check_identity(jbd2, build_id=build_id, release=release)


@pytest.mark.parametrize(
    ("build_id", "release", "evidence"),
    [("beef", "", "build-id recorded is beef"), ("", "7.3.0", "of kernel 7.2.13-dev")],
)
def test_another_build_or_kernel_is_told(jbd2, build_id, release, evidence) -> None:
    with pytest.raises(ArtifactError, match=evidence):
        check_identity(jbd2, build_id=build_id, release=release)


def test_the_script_puts_data_far_before_the_code() -> None:
    sections = [section(".text"), section(".data", flags=DATA), section(".comment", flags=0)]
    placed = [PlacedSection(name=".text", address=BASE, size=10, offset=0)]
    assert linker_script(sections, placed).splitlines() == [
        "SECTIONS {",
        "  . = 0x400000;",
        "  .data : { *(.data) }",
        f"  .text {BASE:#x} : {{ *(.text) }}",
        "}",
    ]


def test_the_link_minds_no_missing_symbol() -> None:
    command = link_command("ld.lld", Path("a.ko"), Path("a.lds"), Path("a"))
    assert command.argv == (
        "ld.lld", "-o", "a", "-T", "a.lds", "--unresolved-symbols=ignore-all", "--noinhibit-exec",
        "a.ko",
    )  # fmt: skip
    assert "Debian: lld-19" in command.hint
