"""Address maps of every installed clang, read as LLVM's own llvm-readobj reads them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pkgafdo import dwarf
from pkgafdo.errors import CommandError
from pkgafdo.propeller.addrmap import read_address_map
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

DATA = Path(__file__).resolve().parents[2] / "data/propeller"
SUFFIXES = [*(f"-{version}" for version in range(30, 18, -1)), ""]
CLANGS = [path for path in (shutil.which(f"clang{suffix}") for suffix in SUFFIXES) if path]
MAP_FLAGS = ("-fbasic-block-address-map", "-fbasic-block-sections=labels")
VARIANTS = {
    "plain": (),
    "weights": ("-mllvm", "-pgo-analysis-map=func-entry-count,bb-freq,br-prob"),
}
RUNNER = LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"})


def tool(name: str) -> str:
    found = next((path for suffix in SUFFIXES if (path := shutil.which(name + suffix))), None)
    if found is None:
        pytest.skip(f"not installed: {name}")
    return found


def compile_program(folder: Path, clang: str, *flags: str) -> Path:
    """Compile and link the program with a map; clang 19 has another flag than later ones."""
    for flag in MAP_FLAGS:
        argv = (
            clang, "-O2", "-g", "-ffreestanding", "-fno-pie", "-fno-stack-protector", flag, *flags,
            "-c", str(DATA / "program.c"), "-o", str(folder / "program.o"),
        )  # fmt: skip
        try:
            RUNNER.run(Command(argv=argv))
        except CommandError:
            continue
        link = (
            tool("ld.lld"),
            "-e",
            "_start",
            str(folder / "program.o"),
            "-o",
            str(folder / "program"),
        )
        RUNNER.run(Command(argv=link))
        return folder / "program"
    pytest.skip(f"{clang} writes no address maps")


def as_llvm_reads_it(program: Path) -> dict[int, list[tuple[int, int, int, int]]]:
    command = Command(
        argv=(tool("llvm-readobj"), "--elf-output-style=JSON", "--bb-addr-map", str(program))
    )
    [file] = json.loads(RUNNER.query(command).stdout)
    names = ("HasReturn", "HasTailCall", "IsEHPad", "CanFallThrough", "HasIndirectBranch")
    return {
        entry["Function"]["At"]: [
            (
                block["ID"],
                part["Base Address"] + block["Offset"],
                block["Size"],
                sum(block[name] << bit for bit, name in enumerate(names)),
            )
            for part in entry["Function"]["BB Ranges"]
            for block in part["BB Entries"]
        ]
        for entry in file["BBAddrMap"]
    }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("clang", CLANGS)
def test_the_decoder_agrees_with_llvm(tmp_path, clang, variant) -> None:
    program = compile_program(tmp_path, clang, *VARIANTS[variant])
    found = read_address_map(program)
    rows = list(
        zip(found.ids.tolist(), found.start.tolist(), found.size.tolist(), found.flags.tolist(),
            strict=True)
    )  # fmt: skip
    bounds = found.first_block.tolist()
    assert {
        int(entry): rows[bounds[number] : bounds[number + 1]]
        for number, entry in enumerate(found.entry)
    } == as_llvm_reads_it(program)


@pytest.mark.parametrize(
    "flags", [(), ("-gdwarf-4",), ("-gz=zlib",)], ids=["dwarf-5", "dwarf-4", "compressed"]
)
@pytest.mark.parametrize("clang", CLANGS)
def test_units_of_real_debug_information_are_found(tmp_path, clang, flags) -> None:
    program = compile_program(tmp_path, clang, *flags, "-ffunction-sections")
    entries = read_address_map(program).entry
    asked = np.append(entries, np.uint64(64))
    assert dwarf.unit_names(program, asked) == [str(DATA / "program.c")] * len(entries) + [None]
