"""Which function covers an address."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.symtab import SymbolTable
from tests.unit import elf_files as make
from tests.unit.symbols import CODE, DATA, function, symbols_of


def found(table: SymbolTable, *addresses: int) -> list[str]:
    indices = table.find(np.array(addresses, dtype=np.uint64))
    return [table.name(index) if index >= 0 else "-" for index in indices]


def test_an_address_belongs_to_the_function_around_it(tmp_path: Path) -> None:
    table = symbols_of(tmp_path, [function("b", 200, 10), function("a", 100, 50)])
    assert found(table, 99, 100, 149, 150, 199, 200, 209, 210) == [
        *("-", "a", "a", "-", "-", "b", "b", "-")
    ]


def test_a_function_without_a_size_reaches_to_the_next(tmp_path: Path) -> None:
    rows = [function("asm", 100, 0, kind=make.NOTYPE), function("c", 160, 10)]
    assert found(symbols_of(tmp_path, rows), 100, 159, 160) == ["asm", "asm", "c"]


def test_the_last_function_without_a_size_covers_its_own_address(tmp_path: Path) -> None:
    assert found(symbols_of(tmp_path, [function("asm", 100, 0)]), 100, 101) == ["asm", "-"]


def test_a_label_inside_a_function_does_not_split_it(tmp_path: Path) -> None:
    rows = [function("entry", 100, 50), function("entry_safe_stack", 120, 0, kind=make.NOTYPE)]
    assert found(symbols_of(tmp_path, rows), 119, 120, 149) == ["entry"] * 3


def test_a_boundary_symbol_does_not_hide_the_function_at_its_address(tmp_path: Path) -> None:
    rows = [function("_stext", 100, 0, kind=make.NOTYPE), function("a", 100, 50)]
    assert found(symbols_of(tmp_path, rows), 100, 149) == ["a", "a"]


def test_behind_a_nested_function_the_outer_one_goes_on(tmp_path: Path) -> None:
    rows = [function("outer", 100, 100), function("inner", 120, 10), function("deep", 122, 2)]
    assert found(symbols_of(tmp_path, rows), 119, 121, 123, 125, 130, 199, 200) == [
        *("outer", "inner", "deep", "inner", "outer", "outer", "-")
    ]


def test_the_outermost_function_is_the_one_around_them_all(tmp_path: Path) -> None:
    rows = [function("outer", 100, 100), function("inner", 120, 10), function("deep", 122, 2)]
    table = symbols_of(tmp_path, [*rows, function("next", 200, 9)])
    around = table.outermost(np.array([99, 119, 121, 123, 199, 200], dtype=np.uint64))
    assert ["-" if index < 0 else table.name(index) for index in around] == [
        *("-", "outer", "outer", "outer", "outer", "next")
    ]


def test_a_file_without_functions_covers_nothing(tmp_path: Path) -> None:
    table = symbols_of(tmp_path, [])
    addresses = np.array([0, 100], dtype=np.uint64)
    assert table.find(addresses).tolist() == table.outermost(addresses).tolist() == [-1, -1]


def test_data_undefined_and_nameless_symbols_are_no_functions(tmp_path: Path) -> None:
    rows = [
        ("table", 100, 50, make.OBJECT, make.GLOBAL, CODE),
        ("in_data", 100, 50, make.FUNC, make.GLOBAL, DATA),
        ("absolute", 100, 50, make.FUNC, make.GLOBAL, 0xFFF1),
        ("undefined", 0, 0, make.NOTYPE, make.GLOBAL, 0),
    ]
    table = symbols_of(tmp_path, rows)
    assert table.functions().tolist() == []
    assert found(table, 0, 100) == ["-", "-"]


def test_functions_are_sorted_and_keep_their_aliases(tmp_path: Path) -> None:
    rows = [function("late", 300, 5), function("sys_a", 100, 5), function("se_sys_a", 100, 5)]
    table = symbols_of(tmp_path, rows)
    assert table.names(table.functions()) == ["sys_a", "se_sys_a", "late"]


def test_an_address_is_found_by_the_exact_name_only(tmp_path: Path) -> None:
    table = symbols_of(tmp_path, [function("__text", 100, 1), function("_text", 200, 1)])
    assert table.address_of("_text") == 200
    assert table.address_of("text") is None
    assert table.address_of("_tex") is None


def test_a_name_that_shares_the_tail_of_another_is_found(tmp_path: Path) -> None:
    table = symbols_of(tmp_path, [function("__text", 100, 1), function("x", 200, 1)])
    shared = table.name_offset.copy()
    shared[2] = shared[1] + 1
    merged = SymbolTable(
        **{name: getattr(table, name) for name in table.__dataclass_fields__}
        | {"name_offset": shared}
    )
    assert merged.address_of("_text") == 200


def test_a_global_symbol_is_preferred_to_a_local_of_the_same_name(tmp_path: Path) -> None:
    rows = [
        ("init", 100, 1, make.FUNC, make.LOCAL, CODE),
        ("init", 200, 1, make.FUNC, make.GLOBAL, CODE),
        ("init", 0, 0, make.NOTYPE, make.GLOBAL, 0),
    ]
    assert symbols_of(tmp_path, rows).address_of("init") == 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return Path(tmp_path_factory.mktemp("symbols"))


@given(data=st.data())
def test_finding_agrees_with_looking_at_every_function(folder: Path, data) -> None:
    # Properly nested or separate ranges, as linkers make them, on a grid.
    starts = data.draw(st.lists(st.integers(0, 30), max_size=8, unique=True))
    rows = [function(f"f{start}", 64 * start, 64) for start in starts]
    inner = data.draw(st.lists(st.sampled_from(starts), max_size=4, unique=True)) if starts else []
    rows += [function(f"g{start}", 64 * start + 8, 16) for start in inner]
    addresses = data.draw(st.lists(st.integers(0, 2200), min_size=1, max_size=20))
    expected = []
    for address in addresses:
        covering = [row for row in rows if row[1] <= address < row[1] + row[2]]
        expected.append(min(covering, key=lambda row: row[2])[0] if covering else "-")
    assert found(symbols_of(folder, rows), *addresses) == expected
