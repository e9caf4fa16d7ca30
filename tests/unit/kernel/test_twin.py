"""The baseline with its functions in another order."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel.twin import (
    check_twin,
    copy_command,
    keep_code,
    other_order,
    reordered,
    require_twin,
    require_twins,
)
from tests.unit import elf_files

BASE = 0xFFFFFFFF81000000
LABELS = {
    "_stext": 0, "__entry_text_start": 32, "__entry_text_end": 48, "__noinstr_text_start": 48,
    "__noinstr_text_end": 64, "_etext": 4352,
}  # fmt: skip
TOOLCHAIN = Toolchain(make_value="-19", version=(19, 1, 7), tools={"ld.lld": "/usr/bin/ld.lld-19"})


def kernel(path: Path, names: list[str], *, size: int = 16) -> Path:
    """Write a vmlinux whose functions lie in this order; the third is entry code, the fourth noinstr."""
    labels = [
        (name, BASE + place, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1)
        for name, place in LABELS.items()
    ]
    functions = [
        (name, BASE + 16 * place, size, elf_files.FUNC, elf_files.GLOBAL, 1)
        for place, name in enumerate(names)
    ]
    code = elf_files.Part(".text", elf_files.PROGBITS, bytes(4352), elf_files.EXECUTABLE, BASE)
    rows = [*labels, *functions]
    path.write_bytes(elf_files.elf(code, *elf_files.symbol_parts(rows, first=2)))
    return path


NAMES = [f"f{number}" for number in range(250)]


def test_an_order_has_every_ordinary_function_and_is_the_seeds(tmp_path: Path) -> None:
    vmlinux = kernel(tmp_path / "v", [*NAMES[:2], "entry", "noinstr", *NAMES[2:]])
    order = other_order(vmlinux, 1)
    assert sorted(order) == sorted(NAMES)
    assert order != NAMES
    assert other_order(vmlinux, 1) == order
    assert other_order(vmlinux, 2) != order


def test_neighbours_stay_together_in_runs(tmp_path: Path) -> None:
    """Otherwise the twin would lose all locality, and everything would be called luck."""
    order = other_order(kernel(tmp_path / "v", ["a", "b", "entry", "noinstr", *NAMES]), 1)
    places = {name: place for place, name in enumerate(["a", "b", *NAMES])}
    apart = [one for one, other in pairwise(order) if places[other] != places[one] + 1]
    assert 5 <= len(apart) <= 50


def test_the_order_goes_to_the_linker_beside_what_it_is_told_already() -> None:
    made = reordered({"KCFLAGS": "-x"}, TOOLCHAIN, Path("/s/order"))
    options = "--symbol-ordering-file=/s/order --no-warn-symbol-ordering"
    assert made == {"KCFLAGS": "-x", "LD": f"/usr/bin/ld.lld-19 {options}"}
    assert reordered({"LD": "ld -m"}, TOOLCHAIN, Path("/o"))["LD"].startswith("ld -m --symbol")


def test_the_same_functions_elsewhere_are_a_twin(tmp_path: Path) -> None:
    one, other = (kernel(tmp_path / name, list(name)) for name in ("abcd", "dcba"))
    finding = check_twin(one, other)
    assert finding.ok
    assert finding.got == "4 of 4 functions elsewhere, 0 that only one of them has"
    assert require_twins(one, other) == finding


@pytest.mark.parametrize(
    ("names", "size", "got"),
    [
        ("abcd", 16, "0 of 4 functions elsewhere, 0 that"),
        ("dcbx", 16, "4 of 4 functions elsewhere, 2 that"),
        ("dcba", 15, "4 of 4 functions elsewhere, 8 that"),
    ],
)
def test_the_same_layout_or_other_code_is_no_twin(
    tmp_path: Path, names: str, size: int, got: str
) -> None:
    one = kernel(tmp_path / "one", list("abcd"))
    other = kernel(tmp_path / "other", list(names), size=size)
    assert not check_twin(one, other).ok
    with pytest.raises(ArtifactError, match="another layout alone") as caught:
        require_twins(one, other)
    assert got in caught.value.details


def saved(folder: Path, text: str) -> Path:
    (folder / ".vmlinux.o.cmd").write_text(text)
    (folder / "vmlinux.o").touch()
    os.utime(folder / "vmlinux.o", (1, 1))
    return folder


def test_code_that_is_finished_stays_so_for_the_other_linker(tmp_path: Path) -> None:
    saved(tmp_path, "savedcmd_vmlinux.o := ld.lld-19 -r -o vmlinux.o ; ./objtool\n\nvmlinux.o: x\n")
    assert keep_code(tmp_path, "ld.lld-19", "ld.lld-19 --order=1")
    text = (tmp_path / ".vmlinux.o.cmd").read_text()
    assert text.startswith(
        "savedcmd_vmlinux.o := ld.lld-19 --order=1 -r -o vmlinux.o ; ./objtool\n"
    )
    assert text.endswith("\n\nvmlinux.o: x\n")
    assert (tmp_path / "vmlinux.o").stat().st_mtime > 2**31


@pytest.mark.parametrize("text", ["", "savedcmd_vmlinux.o := ld.lld -r\n", "cmd_vmlinux.o := x\n"])
def test_code_whose_command_is_another_is_left_to_kbuild(tmp_path: Path, text: str) -> None:
    saved(tmp_path, text)
    assert not keep_code(tmp_path, "ld.lld-19", "ld.lld-19 --order=1")
    assert (tmp_path / ".vmlinux.o.cmd").read_text() == text
    assert (tmp_path / "vmlinux.o").stat().st_mtime == 1


def test_what_packaging_left_is_not_copied() -> None:
    command = copy_command(Path("/o"), ["vmlinux.o", "pacman", ".config", "PKGBUILD"], Path("/t"))
    assert command.argv == (
        "cp", "-a", "--reflink=auto", "-t", "/t", "--", "/o/.config", "/o/vmlinux.o",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lto", "route", "sentence"),
    [("thin", "pkgbuild", "a PKGBUILD builds"), ("none", "pacman-pkg", "without LTO")],
)
def test_a_baseline_that_cannot_be_linked_again_is_refused(
    lto: str, route: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        require_twin(lto, route)
    require_twin("full", "pacman-pkg")
