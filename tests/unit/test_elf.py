"""Reading ELF files."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pkgafdo import elf as subject
from pkgafdo.errors import ArtifactError
from tests.unit import elf_files as make

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def write(tmp_path: Path):
    def write_file(content: bytes, name: str = "vmlinux") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


def test_the_build_id_is_read_in_hex(write) -> None:
    assert subject.build_id(write(make.vmlinux(build_id=b"\x01\xab"))) == "01ab"


def test_a_file_without_a_build_id_has_none(write) -> None:
    assert subject.build_id(write(make.vmlinux(build_id=None))) is None


@pytest.mark.parametrize("salt", ["", "pkgafdo:baseline", "a" * 100])
def test_the_build_salt_is_read_whatever_its_length(write, salt: str) -> None:
    path = write(make.vmlinux(salt=salt))
    assert subject.build_salt(path) == salt
    assert subject.build_id(path) == bytes(range(20)).hex()


def test_a_kernel_without_the_salt_note_has_no_salt(write) -> None:
    assert subject.build_salt(write(make.vmlinux())) is None


def test_notes_are_found_in_segments_when_there_are_no_note_sections(write) -> None:
    blob = make.note(b"GNU", 3, b"\xfe")
    assert subject.build_id(write(make.elf(segments=((4, 4, 0, blob),)))) == "fe"


def test_a_note_of_another_owner_is_not_taken_for_the_build_id() -> None:
    notes = subject.parse_notes(make.note(b"Xen", 3, b"x") + make.note(b"GNU", 3, b"\x07"))
    assert [(note.name, note.type) for note in notes] == [("Xen", 3), ("GNU", 3)]
    assert subject.build_id_of(notes) == "07"


def test_a_cut_off_note_is_left_out() -> None:
    whole = make.note(b"GNU", 3, b"\x07" * 20)
    blob = whole + make.note(b"Linux", 0x100, b"salt\0")
    for size in range(len(whole), len(blob) - 4):
        assert len(subject.parse_notes(blob[:size])) == 1


@given(st.binary(max_size=200))
def test_any_bytes_can_be_parsed_as_notes(blob: bytes) -> None:
    assert sum(len(note.content) for note in subject.parse_notes(blob)) <= len(blob)


def test_sections_keep_the_order_and_indices_of_the_file(write) -> None:
    found = subject.sections(write(make.vmlinux()))
    assert [part.name for part in found][:4] == ["", ".text", ".notes", ".debug_line"]
    text = found[1]
    assert (text.address, text.size, text.flags) == (0xFFFFFFFF81000000, 64, make.EXECUTABLE)
    assert text.type == "SHT_PROGBITS"


def test_segments_say_what_goes_where(write) -> None:
    path = write(make.elf(segments=((1, 5, 0x1000, b"abcd"),)))
    (segment,) = subject.segments(path)
    assert (segment.type, segment.flags, segment.vaddr, segment.filesz) == ("PT_LOAD", 5, 0x1000, 4)
    assert path.read_bytes()[segment.offset :][:4] == b"abcd"


@pytest.mark.parametrize("name", [".debug_line", ".zdebug_line"])
def test_line_tables_count_compressed_or_not(write, name: str) -> None:
    path = write(make.elf(make.Part(name, make.PROGBITS, b"x")))
    assert subject.has_line_tables(path)


@pytest.mark.parametrize(
    "part",
    [
        make.Part(".debug_line", make.PROGBITS),
        make.Part(".debug_line", make.NOBITS, b"absent"),
        make.Part(".debug_line_str", make.PROGBITS, b"x"),
        make.Part(".debug_info", make.PROGBITS, b"x"),
    ],
)
def test_empty_or_other_sections_are_no_line_tables(write, part: make.Part) -> None:
    assert not subject.has_line_tables(write(make.elf(part)))


@pytest.mark.parametrize(("number", "name"), [(62, "x86_64"), (183, "aarch64"), (8, "EM_MIPS")])
def test_the_machine_is_named_as_uname_names_it(write, number: int, name: str) -> None:
    assert subject.machine(write(make.elf(machine=number))) == name


def test_text_bounds_are_absent_where_the_symbol_is(write) -> None:
    bounds = subject.text_bounds(write(make.vmlinux()))
    assert bounds.stext == 0xFFFFFFFF81000000
    assert bounds.etext == 0xFFFFFFFF81000040
    assert bounds.text is None
    assert bounds.entry_text_end is None


def test_the_symbols_of_a_vmlinux_are_read(write) -> None:
    table = subject.symbols(write(make.vmlinux()))
    assert table.names(range(1, 4)) == ["_stext", "do_work", "_etext"]
    assert table.executable.tolist() == [False, True, True, True]
    assert table.binding.tolist() == [0, 1, 1, 1]
    assert table.type.tolist() == [0, 0, 2, 0]


def test_a_file_without_symbols_is_refused(write) -> None:
    with pytest.raises(ArtifactError, match="no symbol table"):
        subject.symbols(write(make.elf()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an ELF file"),
        (b"hello", "is not an ELF file"),
        (b"\x1f\x8b\x08" + bytes(100), "compressed boot image, not vmlinux"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "compressed boot image, not vmlinux"),
        (b"\xff" * 0x202 + b"HdrS" + bytes(100), "compressed boot image, not vmlinux"),
        (b"MZ\0\0zimg" + bytes(100), "compressed boot image, not vmlinux"),
        (b"\x7fELF\x01\x01" + bytes(100), "32-bit ELF"),
        (b"\x7fELF\x02\x02" + bytes(100), "big-endian ELF"),
        (b"\x7fELF\x09\x09" + bytes(100), "corrupt ELF"),
        (b"\x7fELF", "corrupt ELF"),
    ],
)
def test_what_is_no_vmlinux_is_refused_in_one_sentence(write, content: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        subject.build_id(write(content))
    assert caught.value.hint


@pytest.mark.parametrize("name", [".", "absent"])
def test_a_folder_or_an_absent_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        subject.sections(tmp_path / name)


def read_everything(path: Path) -> None:
    subject.build_id(path)
    subject.segments(path)
    subject.has_line_tables(path)
    table = subject.symbols(path)
    table.find(table.address)
    table.names(table.functions())


def test_a_file_cut_off_anywhere_gives_an_error_and_no_traceback(write) -> None:
    whole = make.vmlinux()
    read_everything(write(whole))
    for size in range(0, len(whole), 11):
        with pytest.raises(ArtifactError):
            read_everything(write(whole[:size]))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_corrupt_file_is_read_or_refused(tmp_path_factory, changes) -> None:
    content = bytearray(make.vmlinux())
    for place, value in changes:
        content[place % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "corrupt"
    path.write_bytes(content)
    with suppress(ArtifactError):
        read_everything(path)
