"""Edits leave every other byte as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.bash_edit import (
    Edit,
    after,
    append_word,
    apply_edits,
    before,
    remove_lines,
    replace,
    unified_diff,
)
from pkgafdo.packaging.bash_syntax import parse_script

TEXT = b"a=1\n\nbuild() {\n  cd x\n  # why\n  # more\n  make all  # note\n\n  echo\n}\n"


def script():
    return parse_script(TEXT)


def make():
    return next(one for one in script().calls if one.name == "make")


def test_lines_go_before_the_comment_of_a_statement() -> None:
    edit = before(script(), make().statement, ["new", "", "b"], "why")
    assert apply_edits(TEXT, [edit]) == TEXT.replace(b"  # why\n", b"\n  new\n\n  b\n  # why\n")


def test_lines_go_behind_the_comment_of_a_line() -> None:
    edit = after(script(), make().statement, ["new"], "why")
    assert apply_edits(TEXT, [edit]) == TEXT.replace(b"# note\n", b"# note\n  new\n")


def test_a_statement_goes_with_its_comment_and_the_empty_line() -> None:
    edit = remove_lines(script(), make().statement.place, "why")
    gone = b"  # why\n  # more\n  make all  # note\n\n"
    assert apply_edits(TEXT, [edit]) == TEXT.replace(gone, b"")


def test_several_statements_on_a_line_are_refused_with_the_line() -> None:
    parsed = parse_script(b"a=1\nbuild() { cd x; make all; }\n")
    with pytest.raises(ArtifactError, match="PKGBUILD:2: several statements"):
        before(parsed, parsed.calls[1].statement, ["x"], "why")


def test_overlapping_edits_are_refused() -> None:
    edits = [
        Edit(start=0, end=3, text="x", reason="one"),
        Edit(start=2, end=4, text="", reason="b"),
    ]
    with pytest.raises(ArtifactError, match="PKGBUILD:1: two changes meet"):
        apply_edits(TEXT, edits)


def test_two_blocks_at_one_place_have_one_empty_line_between_them() -> None:
    edits = [before(script(), make().statement, [name, ""], "why") for name in ("a", "b")]
    assert b"  cd x\n\n  a\n\n  b\n\n  # why\n" in apply_edits(TEXT, edits)


def test_a_word_goes_behind_another_as_that_stands() -> None:
    for text, result in ((b"a=(x y)\n", b"a=(x y z)\n"), (b"a=(\n\tx\n)\n", b"a=(\n\tx\n\tz\n)\n")):
        parsed = parse_script(text)
        edit = append_word(parsed, parsed.assigned("a")[0].words[-1], "z", "why")
        assert apply_edits(text, [edit]) == result


def test_edits_at_one_place_keep_their_order() -> None:
    edits = [Edit(start=1, end=1, text=text, reason="") for text in "xyz"]
    assert apply_edits(b"ab", edits) == b"axyzb"


def test_a_value_is_replaced() -> None:
    place = script().assigned("a")[0].value
    assert apply_edits(TEXT, [replace(place, "2", "why")]) == TEXT.replace(b"a=1", b"a=2")


def test_a_difference_is_one_that_patch_takes() -> None:
    assert unified_diff(b"a\nb\n", b"a\nc\n", "PKGBUILD").splitlines() == [
        "--- a/PKGBUILD", "+++ b/PKGBUILD", "@@ -1,2 +1,2 @@", " a", "-b", "+c",
    ]  # fmt: skip
    assert unified_diff(b"a", b"a", "PKGBUILD") == ""
    assert "\\ No newline at end of file" in unified_diff(b"a\nb", b"a\nb\n", "PKGBUILD")


@given(
    st.binary(max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.text(max_size=3)), max_size=5),
)
def test_insertions_keep_every_byte_of_the_content(content, places) -> None:
    edits = [
        Edit(start=min(at, len(content)), end=min(at, len(content)), text=text, reason="")
        for at, text in places
    ]
    rest = iter(apply_edits(content, edits))
    assert all(byte in rest for byte in content)
