"""Whether a table is of a kernel: build-ids, architecture, addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.branches.merge import merge_tables
from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.origin import (
    build_ids,
    foreign_build_ids,
    require_link_addresses,
    require_machine,
    tells_build_id,
)
from pkgafdo.errors import ArtifactError
from tests.unit import elf_files
from tests.unit.branches.tables import TEXT, table_of

if TYPE_CHECKING:
    from pathlib import Path

AARCH64 = 183
RUNTIME = {"addresses": "runtime _text"}
HIDDEN = {"addresses": "unknown"}


def merged(*metas: TableMeta) -> TableMeta:
    return merge_tables([table_of(meta=meta) for meta in metas], allow_mismatch=True).meta


@pytest.fixture
def vmlinux(tmp_path) -> Path:
    """An ELF file with `_text` where kernels are linked."""
    rows = [("_text", TEXT, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1)]
    text = elf_files.Part(".text", elf_files.PROGBITS, bytes(64), elf_files.EXECUTABLE, TEXT)
    path: Path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.elf(text, *elf_files.symbol_parts(rows, first=2)))
    return path


def test_a_merged_table_knows_the_build_ids_of_all_in_any_order() -> None:
    a, b = TableMeta(build_id="aa"), TableMeta(build_id="bb")
    for first, second in ((a, b), (b, a)):
        both = merged(first, second)
        assert build_ids(both) == (first.build_id, second.build_id)
        assert foreign_build_ids(both, "aa") == ("bb",)
        assert foreign_build_ids(merged(both, a), "aa") == ("bb",)
    assert foreign_build_ids(merged(a, a), "aa") == ()
    assert merged(a, a).extra == {}


def test_a_part_without_a_build_id_is_not_forgotten() -> None:
    a, silent = TableMeta(build_id="aa"), TableMeta()
    for both in (merged(a, silent), merged(silent, a)):
        assert not tells_build_id(both)
        assert foreign_build_ids(both, "aa") == ()
        assert foreign_build_ids(both, "bb") == ("aa",)
    assert tells_build_id(a)


def test_tables_of_different_places_have_none_once_they_are_merged() -> None:
    here, there = (TableMeta(link_base=TEXT + at, extra=RUNTIME) for at in (0, 4096))
    assert merged(here, here).extra == RUNTIME
    assert merged(here, there).extra == HIDDEN
    assert merged(TableMeta(link_base=TEXT), there).extra == HIDDEN


def test_another_architecture_is_refused(tmp_path, vmlinux) -> None:
    (tmp_path / "arm").write_bytes(elf_files.elf(machine=AARCH64))
    meta = TableMeta(extra={"arch": "aarch64"})
    with pytest.raises(ArtifactError, match="is of aarch64, so of another kernel") as caught:
        require_machine(meta, vmlinux)
    assert caught.value.exit_code == 5
    require_machine(meta, tmp_path / "arm")
    require_machine(TableMeta(), vmlinux)
    require_machine(TableMeta(extra={"arch": "i686"}), vmlinux)  # perf of 32 bits says so


@pytest.mark.parametrize(
    ("meta", "sentence"),
    [
        (TableMeta(extra=HIDDEN), "does not say where the kernel lay"),
        (TableMeta(link_base=TEXT, extra=RUNTIME), "KASLR has moved"),
        (TableMeta(link_base=TEXT + 4096), "KASLR has moved"),
    ],
)
def test_addresses_that_are_not_the_kernels_are_refused_unless_allowed(
    vmlinux, meta, sentence
) -> None:
    with pytest.raises(ArtifactError, match=sentence):
        require_link_addresses(meta, vmlinux)
    assert sentence in require_link_addresses(meta, vmlinux, allowed=True)


@pytest.mark.parametrize("meta", [TableMeta(link_base=TEXT), TableMeta()])
def test_link_addresses_are_fine(vmlinux, meta) -> None:
    assert require_link_addresses(meta, vmlinux) == ""
