"""A compiled program, read by us and by LLVM's tools."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pkgafdo import elf
from pkgafdo.host.facts import read_facts
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain

pytestmark = pytest.mark.real

SOURCE = """
int late(int x) { return x * 3; }
static int early(int x) { return late(x) + 1; }
int main(int argc, char **argv) { return early(argc); }
"""


@pytest.fixture(scope="module")
def runner() -> LocalRunner:
    return LocalRunner(env=read_facts().environment)


@pytest.fixture(scope="module")
def toolchain(runner: LocalRunner) -> Toolchain:
    return select(runner, ToolchainSettings())


@pytest.fixture
def program(runner: LocalRunner, toolchain: Toolchain, tmp_path: Path) -> Path:
    path = tmp_path / "program"
    (tmp_path / "program.c").write_text(SOURCE)
    flags = (
        "-g",
        "-O0",
        "-no-pie",
        f"--ld-path={toolchain.tools['ld.lld']}",
        "-Wl,--build-id=sha1",
    )
    argv = (toolchain.tools["clang"], *flags, "-o", str(path), str(tmp_path / "program.c"))
    runner.run(Command(argv=argv))
    return path


def asked(runner: LocalRunner, *argv: str) -> str:
    return runner.query(Command(argv=argv)).stdout


def test_the_build_id_is_the_one_readelf_shows(runner, toolchain, program) -> None:
    text = asked(runner, toolchain.tools["llvm-readelf"], "-n", str(program))
    shown = re.search(r"Build ID: ([0-9a-f]+)", text)
    assert shown is not None
    assert elf.build_id(program) == shown[1]


def test_symbols_are_those_that_nm_shows(runner, toolchain, program) -> None:
    table = elf.symbols(program)
    text = asked(runner, toolchain.tools["llvm-nm"], "--defined-only", str(program))
    code = [line.split() for line in text.splitlines() if line.split()[1] in "tT"]
    assert len(code) > 3
    for address, _, name in code:
        assert table.address_of(name) == int(address, 16)
    main, late = table.address_of("main"), table.address_of("late")
    assert main is not None
    assert late is not None
    found = table.find(np.array([late, main + 3], dtype=np.uint64))
    assert table.names(found) == ["late", "main"]


def test_sections_and_segments_are_those_that_readelf_shows(runner, toolchain, program) -> None:
    text = asked(runner, toolchain.tools["llvm-readelf"], "-SW", str(program))
    shown = re.findall(r"\] (\S+) +[A-Z_]+ +([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+)", text)
    found = {part.name: part for part in elf.sections(program)}
    assert len(shown) > 10
    for name, address, offset, size in shown:
        part = found[name]
        assert (part.address, part.offset, part.size) == (
            *(int(address, 16), int(offset, 16), int(size, 16)),
        )
    text_part = found[".text"]
    load = next(
        one
        for one in elf.segments(program)
        if one.type == "PT_LOAD" and one.vaddr <= text_part.address < one.vaddr + one.filesz
    )
    assert load.offset + text_part.address - load.vaddr == text_part.offset


def test_stripping_takes_the_line_tables_and_then_the_symbols(runner, toolchain, program) -> None:
    assert elf.has_line_tables(program)
    build_id = elf.build_id(program)
    runner.run(Command(argv=(toolchain.tools["llvm-strip"], "--strip-debug", str(program))))
    assert not elf.has_line_tables(program)
    assert elf.symbols(program).address_of("main")
    assert elf.build_id(program) == build_id


def test_compressed_line_tables_are_line_tables(runner, toolchain, program) -> None:
    objcopy = toolchain.tools["llvm-objcopy"]
    runner.run(Command(argv=(objcopy, "--compress-debug-sections=zlib", str(program))))
    assert elf.has_line_tables(program)


def test_the_running_kernels_notes_have_a_build_id() -> None:
    notes = Path("/sys/kernel/notes")
    if not notes.exists():
        pytest.skip("no /sys/kernel/notes here")
    build_id = elf.build_id_of(elf.parse_notes(notes.read_bytes()))
    assert build_id is not None
    assert len(build_id) == 40
