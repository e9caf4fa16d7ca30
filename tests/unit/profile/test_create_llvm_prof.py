"""create_llvm_prof: its abilities, its command, and the guarded release."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path

import pytest

from pkgafdo import elf
from pkgafdo.elf import Segment
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.profile.create_llvm_prof import (
    RELEASE,
    Abilities,
    Pin,
    conventions,
    create_command,
    parse_abilities,
    program_of,
    share_that_ran,
    unpack_program,
)
from tests.fakes.runner import FakeRunner
from tests.unit import elf_files
from tests.unit.branches.tables import TEXT, table_of
from tests.unit.profile.programs import recorded

ELF = b"\x7fELF and more"
NEW_HELP = """create_llvm_prof: usage
  Flags from ./create_llvm_prof.cc:
    --format (LLVM profile format to emit. Possible values are 'text', 'binary'
      (old), 'extbinary' or 'propeller'.); default: "text";
    --prof_sym_list (Generate profile symbol list.); default: false;
    --profiler (Input profile type. Possible values: perf, text, or prefetch);
      default: "perf";
  Flags from ./symbol_map.cc:
    --use_fs_discriminator (Tell the symbol map.); default: false;
"""
OLD = Abilities(
    formats=frozenset({"text", "binary"}), has_symbol_list=False, has_fs_discriminators=False
)
NEW = Abilities(
    formats=frozenset({"text", "binary", "extbinary"}),
    has_symbol_list=True,
    has_fs_discriminators=True,
)


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_debians_version_knows_neither_extbinary_nor_fs_discriminators() -> None:
    assert parse_abilities(recorded("create_llvm_prof-0.19-help.txt")) == OLD
    assert OLD.format == "text"


def test_the_abilities_of_a_newer_version_are_seen() -> None:
    assert parse_abilities(NEW_HELP) == NEW
    assert NEW.format == "extbinary"


@pytest.mark.parametrize("text", ["", "error while loading shared libraries: libLLVM.so"])
def test_a_program_that_does_not_run_is_refused(text) -> None:
    with pytest.raises(HostError, match="does not run here"):
        parse_abilities(text)


def test_a_new_one_gets_all_it_knows() -> None:
    command = create_command(
        "/usr/bin/create_llvm_prof", NEW,
        vmlinux=Path("vmlinux"), output=Path("o"), counts=Path("c"), fs_discriminators=True,
    )  # fmt: skip
    assert command.argv == (
        "/usr/bin/create_llvm_prof",
        "--profiler=text",
        "--profile=c",
        "--binary=vmlinux",
        "--format=extbinary",
        "--prof_sym_list=false",
        "--use_fs_discriminator",
        "--out=o",
    )


def test_an_old_one_is_asked_only_for_what_it_knows() -> None:
    command = create_command(
        "create_llvm_prof", OLD,
        vmlinux=Path("v"), output=Path("o"), counts=Path("c"), recording=Path("perf.data"),
        fs_discriminators=True,
    )  # fmt: skip
    assert command.argv == (
        "create_llvm_prof", "--profiler=perf", "--profile=perf.data", "--binary=v",
        "--format=text", "--out=o",
    )  # fmt: skip


def test_an_installed_program_is_taken(tmp_path) -> None:
    with program_of(FakeRunner(), tmp_path) as program:
        assert program == "/usr/bin/create_llvm_prof"
    assert list(tmp_path.iterdir()) == []


def test_the_pinned_release_is_unpacked_for_the_use_and_removed_after_it(tmp_path) -> None:
    content = zipped(create_llvm_prof=ELF)
    pin = Pin(version="v1", url="http://127.0.0.1:9/x", sha256=hashlib.sha256(content).hexdigest())
    archive = tmp_path / "create_llvm_prof/create_llvm_prof-v1.zip"
    archive.parent.mkdir()
    archive.write_bytes(content)
    with program_of(FakeRunner(missing={"create_llvm_prof"}), tmp_path, pin=pin) as program:
        assert Path(program).read_bytes() == ELF
        assert Path(program).stat().st_mode & 0o777 == 0o700
    assert list(archive.parent.iterdir()) == [archive]


def test_the_release_is_pinned_to_its_digest() -> None:
    assert RELEASE.version in RELEASE.url
    assert len(bytes.fromhex(RELEASE.sha256)) == 32


@pytest.mark.parametrize(
    ("members", "evidence"),
    [
        ({}, "nothing"),
        ({"create_llvm_prof": ELF, "more": b""}, "create_llvm_prof, more"),
        ({"../create_llvm_prof": ELF}, r"\.\./create_llvm_prof"),
        ({"/usr/bin/create_llvm_prof": ELF}, "/usr/bin"),
        ({"create_llvm_prof": b"#!/bin/sh"}, "begins with"),
    ],
)
def test_an_archive_of_anything_else_is_refused(members, evidence) -> None:
    with pytest.raises(ArtifactError, match="does not hold create_llvm_prof alone") as caught:
        unpack_program(zipped(**members))
    assert re.search(evidence, caught.value.details)


def test_a_zip_bomb_is_not_unpacked() -> None:
    content = zipped(create_llvm_prof=ELF + bytes(10_000_000))
    assert len(content) < 20_000
    with pytest.raises(ArtifactError) as caught:
        unpack_program(content, largest=1_000_000)
    assert "larger than 1000000 bytes" in caught.value.details


@pytest.mark.parametrize("damage", [b"", b"no zip", None])
def test_damaged_archives_are_refused(damage) -> None:
    whole = zipped(create_llvm_prof=ELF * 100)
    content = whole[:40] + bytes(20) + whole[60:] if damage is None else damage
    with pytest.raises(ArtifactError):
        unpack_program(content)


def segment(vaddr: int, offset: int, flags: int, kind: str = "PT_LOAD") -> Segment:
    return Segment(type=kind, flags=flags, offset=offset, vaddr=vaddr, filesz=64, memsz=64)


def test_old_ones_take_distances_from_the_first_segment_and_new_ones_file_offsets() -> None:
    segments = [
        segment(0, 0, 5, "PT_NOTE"), segment(1000, 200, 5), segment(2000, 300, 6),
        segment(3000, 400, 5),
    ]  # fmt: skip
    first, second = ([one.offset for one in part] for part in conventions(segments, NEW))
    assert (first, second) == ([200, 400], [0, 2000])
    first, second = ([one.offset for one in part] for part in conventions(segments, OLD))
    assert (first, second) == ([0, 2000], [200, 400])


def test_a_kernel_without_segments_has_no_addresses_in_either_convention() -> None:
    assert conventions([], NEW) == ((), ())


@pytest.mark.parametrize(
    ("totals", "share"), [({}, 1.0), ({"do_work": 3, "other": 1}, 0.75), ({"other": 1}, 0.0)]
)
def test_functions_that_did_not_run_give_shifted_addresses_away(tmp_path, totals, share) -> None:
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    records = table_of([], [(TEXT + 4, TEXT + 8, 9), (16, 32, 9)])
    assert share_that_ran(totals, records, elf.symbols(tmp_path / "vmlinux")) == share
