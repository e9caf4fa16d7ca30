"""The decoder of basic-block address maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.addrmap import decode_map, read_address_map
from tests.unit import elf_files
from tests.unit.propeller import maps
from tests.unit.propeller.maps import Block, Function, encode, function

DATA = Path(__file__).resolve().parents[2] / "data/propeller"
BASE = 0xFFFFFFFF81000000
MAP_TYPE = 0x6FFF4C0A


def rows(data: bytes) -> dict[int, list[tuple[int, int, int, int]]]:
    """Return {entry: [(id, address, size, flags)]} of a map."""
    found = decode_map(data)
    return {
        int(entry): [
            (
                int(found.ids[at]), int(found.start[at]),
                int(found.size[at]), int(found.flags[at]),
            )
            for at in range(found.first_block[number], found.first_block[number + 1])
        ]
        for number, entry in enumerate(found.entry)
    }  # fmt: skip


def vmlinux(path: Path, *parts: elf_files.Part) -> Path:
    text = elf_files.Part(".text", elf_files.PROGBITS, bytes(64), elf_files.EXECUTABLE, BASE)
    path.write_bytes(elf_files.elf(text, *parts))
    return path


def test_blocks_follow_each_other_with_their_gaps() -> None:
    data = encode(function(BASE, Block(0, 9), Block(7, 300, maps.RETURN, gap=7)))
    assert rows(data) == {BASE: [(0, BASE, 9, 8), (7, BASE + 16, 300, 1)]}


@pytest.mark.parametrize("name", ["21", "21-weights", "22", "22-weights", "22-hashes"])
def test_maps_of_newer_compilers_are_read_as_llvm_reads_them(name) -> None:
    wanted = json.loads((DATA / "blocks.json").read_text())
    found = rows((DATA / f"llvm-{name}.map").read_bytes())
    assert found == {
        one["entry"]: [tuple(block) for block in one["blocks"]] for one in wanted.values()
    }


def test_the_versions_seen_are_told() -> None:
    data = encode(function(BASE, Block(0, 1)), function(BASE + 16, Block(0, 1), version=5))
    assert decode_map(data).versions == (2, 5)


def test_call_sites_count_into_a_blocks_size() -> None:
    block = Block(0, 40, calls=(5, 17, 40))
    data = encode(function(BASE, block, Block(1, 2), version=3, features=maps.CALL_SITES))
    assert rows(data)[BASE] == [(0, BASE, 40, 8), (1, BASE + 40, 2, 8)]


@pytest.mark.parametrize("features", [1, 2, 4, 7, 3 | maps.CALL_SITES])
def test_the_compilers_own_weights_are_skipped(features) -> None:
    blocks = (Block(0, 4, successors=3), Block(1, 2, successors=0))
    first = function(BASE, *blocks, version=3, features=features)
    assert rows(encode(first, function(BASE + 16, Block(0, 1)))) == {
        BASE: [(0, BASE, 4, 8), (1, BASE + 4, 2, 8)],
        BASE + 16: [(0, BASE + 16, 1, 8)],
    }


def test_all_features_of_version_five_together() -> None:
    every = 255 & ~maps.OMIT
    one = Function(
        ((BASE, (Block(0, 20, calls=(5,)), Block(2, 3))), (BASE + 64, (Block(1, 8),))), 5, every
    )
    assert rows(encode(one, one)) == {
        BASE: [(0, BASE, 20, 8), (2, BASE + 20, 3, 8), (1, BASE + 64, 8, 8)]
    }


def test_the_entry_block_is_first_though_another_range_lies_before_it() -> None:
    one = Function(
        ((BASE + 64, (Block(0, 8), Block(3, 8))), (BASE, (Block(1, 8), Block(2, 8)))),
        2,
        maps.MULTI_RANGE,
    )
    assert [row[:2] for row in rows(encode(one))[BASE + 64]] == [
        (0, BASE + 64), (1, BASE), (2, BASE + 8), (3, BASE + 72),
    ]  # fmt: skip


def test_functions_are_sorted_and_repeated_ones_counted() -> None:
    parts = [function(BASE + at, Block(at, 4)) for at in (32, 0, 32, 16)]
    found = decode_map(encode(*parts))
    assert (found.entry - np.uint64(BASE)).tolist() == [0, 16, 32]
    assert found.ids.tolist() == [0, 16, 32]
    assert found.repeated == 1


def test_functions_without_blocks_or_at_no_address_are_left_out() -> None:
    omitted = function(BASE, Block(0, 4), features=maps.OMIT)
    dropped = function(0, Block(0, 4))
    assert list(rows(encode(omitted, dropped, function(BASE + 16, Block(0, 4))))) == [BASE + 16]


@pytest.mark.parametrize(("version", "hint"), [(1, "clang 19 or newer"), (6, "update pkgafdo")])
def test_an_unknown_version_is_named_with_the_next_move(version, hint) -> None:
    with pytest.raises(ArtifactError, match=f"has version {version}; known are 2 to 5") as caught:
        rows(encode(function(BASE, Block(0, 4)), function(BASE, Block(0, 4), version=version)))
    assert hint in caught.value.hint
    assert "offset 0xf" in caught.value.details


@pytest.mark.parametrize(
    ("version", "features"),
    [(2, maps.CALL_SITES), (3, maps.HASH), (4, maps.POST_LINK), (5, 1 << 8)],
)
def test_unknown_features_are_refused(version, features) -> None:
    with pytest.raises(ArtifactError, match=f"features that are not known: {features:#x}"):
        rows(encode(function(BASE, Block(0, 4), version=version, features=features)))


def test_unknown_metadata_is_refused() -> None:
    with pytest.raises(ArtifactError, match="block metadata that are not known: 0x20"):
        rows(encode(function(BASE, Block(0, 4, flags=32))))


def test_a_map_that_is_cut_short_anywhere_is_refused() -> None:
    every = 255 & ~maps.OMIT
    blocks = (Block(0, 200, calls=(5, 150)), Block(1, 8, successors=0))
    whole = encode(Function(((BASE, blocks), (BASE + 512, (Block(2, 8),))), 5, every))
    for size in range(1, len(whole)):
        with pytest.raises(ArtifactError, match="is damaged"):
            rows(whole[:size])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(data) -> None:
    try:
        found = decode_map(data)
    except ArtifactError:
        return
    assert (np.diff(found.first_block) > 0).all()


def test_a_number_of_more_than_32_bits_is_refused() -> None:
    with pytest.raises(ArtifactError, match="is damaged") as caught:
        rows(encode(function(BASE, Block(0, 1 << 32))))
    assert "too large" in caught.value.details


def test_a_function_of_no_ranges_is_refused() -> None:
    with pytest.raises(ArtifactError, match="is damaged") as caught:
        rows(encode(Function((), 2, maps.MULTI_RANGE)))
    assert "no address range" in caught.value.details


def test_all_sections_of_a_kernel_are_read(tmp_path) -> None:
    maps_of = [encode(function(BASE + at, Block(0, 4))) for at in (16, 0)]
    parts = [elf_files.Part(".llvm_bb_addr_map", MAP_TYPE, data, link=1) for data in maps_of]
    found = read_address_map(vmlinux(tmp_path / "vmlinux", *parts))
    assert (found.functions, found.blocks) == (2, 2)
    assert found.function.tolist() == [0, 1]


def test_a_kernel_without_a_map_is_refused_with_where_to_find_one(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="has no basic-block address map") as caught:
        read_address_map(vmlinux(tmp_path / "vmlinux"))
    assert "vmlinux.unstripped" in caught.value.hint


def test_the_map_of_an_object_file_is_refused(tmp_path) -> None:
    part = elf_files.Part(".llvm_bb_addr_map", MAP_TYPE, encode(function(0, Block(0, 4))))
    with pytest.raises(ArtifactError, match="names no function at an address"):
        read_address_map(vmlinux(tmp_path / "vmlinux", part))


def test_a_section_beyond_the_files_end_is_refused(tmp_path) -> None:
    part = elf_files.Part(".llvm_bb_addr_map", MAP_TYPE, bytes(4096))
    path = vmlinux(tmp_path / "vmlinux", part)
    data = bytearray(path.read_bytes())
    size_at = data.index((4096).to_bytes(8, "little"))
    data[size_at : size_at + 8] = (1 << 30).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="is damaged"):
        read_address_map(path)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(
            st.builds(
                Block,
                st.integers(0, 2**20),
                st.integers(0, 2**20),
                st.integers(0, 31),
                st.integers(0, 300),
            ),
            min_size=1,
            max_size=6,
        ),
        max_size=6,
    ),
    st.sampled_from([(2, 0), (2, 7), (3, 0), (3, 32), (4, 64), (5, 0), (5, 39), (5, 231)]),
)
def test_whatever_is_encoded_is_decoded(functions, form) -> None:
    version, features = form
    wanted: dict[int, list[tuple[int, int, int, int]]] = {}
    coded = []
    for number, blocks in enumerate(functions):
        entry = at = BASE + (number << 24)
        wanted[entry] = []
        for block in blocks:
            at += block.gap
            wanted[entry].append((block.ident, at, block.size, block.flags))
            at += block.size
        coded.append(function(entry, *blocks, version=version, features=features))
    found = rows(encode(*coded))
    assert {entry: sorted(found[entry][1:]) for entry in found} == {
        entry: sorted(wanted[entry][1:]) for entry in wanted
    }
    assert {entry: found[entry][0] for entry in found} == {
        entry: wanted[entry][0] for entry in wanted
    }
