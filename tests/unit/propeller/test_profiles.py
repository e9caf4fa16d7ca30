from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.layout import FunctionLayout, Layout
from pkgafdo.propeller.read import parse_cc_profile, parse_ld_profile, read_profiles
from pkgafdo.propeller.score import Expected
from pkgafdo.propeller.write import cc_profile, ld_profile, write_profiles

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = Expected(falling=0, jumping=0, score=0.0)


def layout(*functions: FunctionLayout) -> Layout:
    return Layout(
        functions=functions, before=NOTHING, after=NOTHING, hot_bytes=0, cold_bytes=0, left_alone=0
    )


def function(
    name: str, *clusters: tuple[int, ...], module=None, cold=False, aliases=()
) -> FunctionLayout:
    return FunctionLayout(
        name=name, aliases=aliases, module=module, clusters=clusters or ((0,),), has_cold=cold
    )


def test_the_compilers_file_names_a_module_only_where_it_is_known() -> None:
    lines = list(
        cc_profile(
            layout(
                function("vfs_read", (0, 3, 1), (7, 8)),
                function("init.llvm.6014555113369615151", (0,), module="/src/fs/a.c"),
            )
        )
    )
    assert lines == [
        "v1",
        "f vfs_read",
        "c 0 3 1",
        "c 7 8",
        "m /src/fs/a.c",
        "f init.llvm.6014555113369615151",
        "c 0",
    ]


def test_the_linkers_file_lists_what_is_hot_before_anything_cold() -> None:
    lines = list(
        ld_profile(
            layout(
                function("b", (0,), (1,), (2,), cold=True),
                function("a", (0,)),
                function("c", (0,), cold=True),
            )
        )
    )
    assert lines == ["b", "b.__part.1", "b.__part.2", "a", "c", "b.cold", "c.cold"]


def test_all_names_of_a_function_are_written(tmp_path: Path) -> None:
    named = layout(function("a", (0,), (2,), cold=True, aliases=("b", "c")))
    write_profiles(named, tmp_path / "k")
    assert (tmp_path / "k_cc_profile.txt").read_text() == "v1\nf a b c\nc 0\nc 2\n"
    read = read_profiles(tmp_path / "k")
    assert read.functions[0].names == ("a", "b", "c")
    assert read.symbols == (
        "a", "b", "c", "a.__part.1", "b.__part.1", "c.__part.1", "a.cold", "b.cold", "c.cold",
    )  # fmt: skip


def test_static_functions_of_one_name_are_listed_once_for_the_linker() -> None:
    twins = layout(
        function("helper", (0, 1), module="a.c", cold=True),
        function("other"),
        function("helper", (0, 2), module="b.c", cold=True),
    )
    assert list(ld_profile(twins)) == ["helper", "other", "helper.cold"]
    assert [line for line in cc_profile(twins) if line.startswith("m")] == ["m a.c", "m b.c"]


@pytest.mark.parametrize(
    "name", ["", "two words", "tab\there", "line\nf evil", "#comment", "naïve", "null\0byte"]
)
def test_a_name_that_the_compiler_would_misread_is_refused(name: str, tmp_path: Path) -> None:
    for hostile in (function(name), function("f", module=name), function("f", aliases=(name,))):
        with pytest.raises(ArtifactError, match="cannot be written"):
            write_profiles(layout(function("ok"), hostile), tmp_path / "kernel")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("modules", [(None, None), ("a.c", None), ("a.c", "a.c")])
def test_functions_that_the_compiler_cannot_tell_apart_are_refused(modules) -> None:
    first, second = modules
    twins = layout(function("same", module=first), function("same", module=second))
    with pytest.raises(ArtifactError, match="several functions are called same"):
        list(cc_profile(twins))


def test_a_function_with_an_empty_cluster_is_refused() -> None:
    with pytest.raises(ArtifactError, match="empty cluster"):
        list(cc_profile(layout(function("f", (0,), ()))))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = layout(
        function("a", (0, 2), (5,), cold=True), function("b", (0,), module="x.c"), function("c")
    )
    prefix = tmp_path / "new" / "kernel-7.2"
    cc, ld = write_profiles(written, prefix)
    assert cc.name == "kernel-7.2_cc_profile.txt"
    assert ld.name == "kernel-7.2_ld_profile.txt"
    assert cc.parent == ld.parent == tmp_path / "new"
    read = read_profiles(prefix)
    assert [(f.name, f.module, f.clusters) for f in read.functions] == [
        (f.name, f.module, f.clusters) for f in written.functions
    ]
    assert read.symbols == ("a", "a.__part.1", "b", "c", "a.cold")


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
clusters = st.lists(st.integers(0, 2**31), min_size=1, max_size=9, unique=True)


@given(st.dictionaries(words.filter(lambda word: word[0] != "#"), clusters, max_size=6))
def test_any_layout_survives_the_round_trip(functions: dict[str, list[int]]) -> None:
    made = layout(
        *(function(name, tuple(ids[:1]), *([tuple(ids[1:])] if ids[1:] else []))
          for name, ids in functions.items())
    )  # fmt: skip
    text = "\n".join(cc_profile(made))
    read = parse_cc_profile(text, "cc")
    assert [(f.name, f.clusters) for f in read] == [(f.name, f.clusters) for f in made.functions]
    assert parse_ld_profile("\n".join(ld_profile(made)), "ld") == tuple(ld_profile(made))


def test_comments_clones_and_aliases_of_other_writers_are_understood() -> None:
    text = "v1\n# made elsewhere\n\nf main other_name\np 1 3 4\nc 0 2 3 2.1\nc 1 3.1\n"
    (found,) = parse_cc_profile(text, "cc")
    assert (found.names, found.clusters) == (("main", "other_name"), ((0, 2, 3), (1,)))


@pytest.mark.parametrize("version", ["", "v0\n"])
def test_version_0_is_read_as_the_compiler_reads_it(version) -> None:
    text = f"{version}# made elsewhere\n!main/other M=a.c\n!!0 2\n!!1\n@ skipped\n!f\n!!0\n"
    found = [(one.names, one.module, one.clusters) for one in parse_cc_profile(text, "cc")]
    assert found == [(("main", "other"), "a.c", ((0, 2), (1,))), (("f",), None, ((0,),))]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "begins with ''"),
        ("v2\nf main\n", 1, "begins with 'v2'"),
        ("garbage\n", 1, "begins with 'garbage'"),
        ("v0\n!main x\n", 2, "not a line"),
        ("!main\nc 0\n", 2, "not a line"),
        ("!main\n!!0 x\n", 2, "not a number"),
        ("!main\n!!0\n!main\n", 3, "the second profile of main"),
        ("v1\nc 0 1\n", 2, "not a line"),
        ("v1\nf main\nc\n", 3, "not a line"),
        ("v1\nf main\nc 0 x\n", 3, "not a number"),
        ("v1\nf main\nc 0 -1\n", 3, "not a number"),
        ("v1\nf main\nc 0 1\n\nc 2 1\n", 5, "appears twice"),
        ("v1\nf main\nc " + "9" * 5000 + "\n", 3, "not a number"),
        ("v1\nf main\nc 0\nf main\nc 0\n", 4, "the second profile of main"),
        ("v1\nm a.c\nf main\nc 0\nm a.c\nf main\n", 6, "the second profile of main"),
        ("v1\nm\n", 2, "not a line"),
        ("v1\nf\n", 2, "not a line"),
        ("v1\nq 1\n", 2, "not a line"),
    ],
)
def test_a_damaged_compilers_file_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(ArtifactError, match="is not a Propeller profile") as caught:
        parse_cc_profile(text, "x_cc_profile.txt")
    assert f"Line {line}: " in caught.value.details
    assert what in caught.value.details


def test_a_damaged_linkers_file_is_refused_with_its_line() -> None:
    with pytest.raises(ArtifactError) as caught:
        parse_ld_profile("main\ntwo words\n", "x_ld_profile.txt")
    assert "Line 2" in caught.value.details


def test_a_missing_profile_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist") as caught:
        read_profiles(tmp_path / "none")
    assert "pkgafdo propeller layout" in caught.value.hint


def test_a_folder_in_place_of_a_profile_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k_cc_profile.txt").mkdir()
    with pytest.raises(ArtifactError, match="cannot be read: Is a directory") as caught:
        read_profiles(tmp_path / "k")
    assert "prefix" in caught.value.hint


def test_a_profile_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k_cc_profile.txt").write_bytes(b"v1\nf \xff\xfe\n")
    (tmp_path / "k_ld_profile.txt").write_bytes(b"")
    with pytest.raises(ArtifactError, match="is not a Propeller profile"):
        read_profiles(tmp_path / "k")
