"""Names, source files and movability of functions."""

from __future__ import annotations

import numpy as np
import pytest

from pkgafdo.propeller.functions import describe_functions
from tests.unit.dwarf_parts import debug_parts
from tests.unit.elf_files import LOCAL
from tests.unit.propeller.kernels import INIT, TEXT, WEAK, label, symbol, write_kernel
from tests.unit.test_dwarf import plain


def describe(tmp_path, rows, *entries, debug=None):
    path = write_kernel(tmp_path / "vmlinux", rows, debug=debug)
    return describe_functions(path, np.array(entries, dtype=np.uint64))


def test_functions_are_called_as_in_the_symbol_table(tmp_path) -> None:
    rows = [symbol("read", TEXT), symbol("helper.llvm.1234", TEXT + 16, binding=LOCAL)]
    found = describe(tmp_path, rows, TEXT, TEXT + 16)
    assert found.names == ("read", "helper.llvm.1234")
    assert found.modules == (None, None)
    assert found.movable.tolist() == [True, True]


def test_a_weak_alias_is_not_the_functions_name(tmp_path) -> None:
    rows = [symbol("compat_read", TEXT, binding=WEAK), symbol("ni", TEXT, binding=LOCAL)]
    found = describe(tmp_path, rows, TEXT)
    assert (found.names, found.aliases) == (("ni",), (("compat_read",),))


def test_all_names_of_a_function_are_told_in_the_files_order(tmp_path) -> None:
    rows = [symbol("b", TEXT), symbol("weak", TEXT, binding=WEAK), symbol("a", TEXT)]
    found = describe(tmp_path, [*rows, symbol("c", TEXT + 16)], TEXT, TEXT + 16, TEXT + 32)
    assert found.names[:2] == ("b", "c")
    assert found.aliases == (("a", "weak"), (), ())


def test_an_alias_that_another_function_has_too_is_left_out(tmp_path) -> None:
    rows = [symbol("body", TEXT), symbol("show", TEXT), symbol("show", TEXT + 16, binding=LOCAL)]
    assert describe(tmp_path, rows, TEXT).aliases == ((),)


def test_the_interpreter_stays_under_an_alias(tmp_path) -> None:
    rows = [symbol("other", TEXT), symbol("___bpf_prog_run", TEXT)]
    assert not describe(tmp_path, rows, TEXT).movable.any()


def test_a_label_at_the_same_address_is_not_the_functions_name(tmp_path) -> None:
    rows = [label("__hot_text_start", TEXT), symbol("read", TEXT)]
    assert describe(tmp_path, rows, TEXT).names == ("read",)


def test_a_function_without_a_symbol_stays(tmp_path) -> None:
    found = describe(tmp_path, [symbol("read", TEXT)], TEXT, TEXT + 64)
    assert found.names == ("read", f"{TEXT + 64:#x}")
    assert found.movable.tolist() == [True, False]


@pytest.mark.parametrize("part", ["entry", "noinstr", "static_call"])
def test_functions_in_parts_that_mean_something_stay(tmp_path, part) -> None:
    name = f"__{part}_text" if part != "static_call" else "__static_call_text"
    rows = [
        label(f"{name}_start", TEXT + 16),
        label(f"{name}_end", TEXT + 48),
        *(symbol(f"f{at}", TEXT + at) for at in (0, 16, 32, 48)),
    ]
    found = describe(tmp_path, rows, *(TEXT + at for at in (0, 16, 32, 48)))
    assert found.movable.tolist() == [True, False, False, True]


def test_functions_outside_the_text_stay(tmp_path) -> None:
    rows = [symbol("start_kernel", INIT), symbol("read", TEXT)]
    assert describe(tmp_path, rows, TEXT, INIT).movable.tolist() == [True, False]


def test_the_interpreter_with_computed_gotos_stays(tmp_path) -> None:
    assert not describe(tmp_path, [symbol("___bpf_prog_run", TEXT)], TEXT).movable.any()


SAME = [symbol("show", TEXT + at, binding=LOCAL) for at in (0, 16, 32)]


def test_functions_of_one_name_are_told_apart_by_their_source_files(tmp_path) -> None:
    units = [plain(name, TEXT + at, 16) for at, name in ((0, b"a.c"), (16, b"b.c"), (32, b"c.c"))]
    found = describe(tmp_path, SAME, TEXT, TEXT + 32, debug=debug_parts(units))
    assert found.modules == ("a.c", "c.c")
    assert found.movable.all()


def test_functions_of_one_name_stay_without_debug_information(tmp_path, capsys) -> None:
    found = describe(tmp_path, SAME, TEXT, TEXT + 32)
    assert found.modules == (None, None)
    assert not found.movable.any()


def test_functions_of_one_name_from_one_file_stay(tmp_path) -> None:
    # The file was compiled twice; the second is not even executed.
    units = [plain(name, TEXT + at, 16) for at, name in ((0, b"a.c"), (16, b"a.c"), (32, b"c.c"))]
    found = describe(tmp_path, SAME, TEXT, TEXT + 32, debug=debug_parts(units))
    assert found.modules == (None, "c.c")
    assert found.movable.tolist() == [False, True]


def test_a_source_file_with_a_space_in_its_name_cannot_be_named(tmp_path) -> None:
    units = [plain(b"my tree/a.c", TEXT, 16), plain(b"b.c", TEXT + 16, 32)]
    found = describe(tmp_path, SAME[:2], TEXT, TEXT + 16, debug=debug_parts(units))
    assert found.modules == (None, "b.c")
