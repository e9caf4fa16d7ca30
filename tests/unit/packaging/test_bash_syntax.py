"""Places in scripts, from the syntax tree."""

from __future__ import annotations

import pytest

from pkgafdo.packaging.bash_syntax import parse_script
from tests.unit.packaging.kernel_pkgbuilds import ARCH, AUR, PLAIN_OPTIONS, SWITCHED


def parse(text: str):
    return parse_script(text.encode())


@pytest.mark.parametrize("text", [SWITCHED, PLAIN_OPTIONS, ARCH, AUR])
def test_pkgbuilds_of_all_families_are_understood(text) -> None:
    script = parse(text)
    assert script.faults == ()
    assert {"prepare", "build", "_package", "_package-headers"} <= {
        one.name for one in script.functions
    }


def test_an_assignment_knows_where_its_value_stands() -> None:
    text = "pkgver=7.2.13  # the version\n"
    (one,) = parse(text).assigned("pkgver")
    assert text[one.value.start : one.value.end] == "7.2.13"
    assert (one.literal, one.operator, one.place.line, one.nested) == ("7.2.13", "=", 1, False)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        (': "${_a:=yes}"', "yes"),
        (': "${_a:=}"', ""),
        (": ${_a:=7.2}", "7.2"),
        (': "${_a:="$HOME/x"}"', None),
        ("_a=", ""),
        ("_a='x y'", "x y"),
        ('_a="x"', "x"),
        ('_a="x$b"', None),
        ("_a=$(date)", None),
        ("_a=x{1,2}", None),
        ("_a=x\\ y", None),
    ],
)
def test_only_texts_without_expansions_are_literal(text, literal) -> None:
    (one,) = parse(text).assigned("_a")
    assert one.literal == literal


def test_an_empty_default_is_filled_at_its_place() -> None:
    text = ': "${_name:=}"\n'
    (one,) = parse(text).assigned("_name")
    filled = text[: one.value.start] + "x.afdo" + text[one.value.end :]
    assert filled == ': "${_name:=x.afdo}"\n'


def test_words_of_an_array_are_found_and_comments_are_not() -> None:
    script = parse("b2sums=('aa'  # one\n  # none\n  'SKIP')\n")
    assert [word.literal for word in script.assigned("b2sums")[0].words] == ["aa", "SKIP"]


def test_conditions_are_those_of_the_ifs_around() -> None:
    text = 'if [ "$a" = yes ]; then\n  if b; then\n    x=1\n  else\n    x=2\n  fi\nfi\nx=3\n'
    found = parse(text).assigned("x")
    assert [one.conditions for one in found] == [('[ "$a" = yes ]', "b"), ('[ "$a" = yes ]',), ()]
    assert [one.nested for one in found] == [True, True, False]


def test_a_condition_in_front_of_and_counts_as_nested() -> None:
    (one,) = parse('[ "$a" = yes ] && pkgname+=("x")\n').assigned("pkgname")
    assert one.nested


def test_calls_know_their_function_statement_and_prefixes() -> None:
    text = 'build() {\n  if x; then\n    A=1 make LLVM=1 "${F[@]}" all > log\n  fi\n}\n'
    call = next(one for one in parse(text).calls if one.name == "make")
    assert (call.function, call.prefixes) == ("build", ("A=1",))
    assert [word.text for word in call.words] == ["LLVM=1", '"${F[@]}"', "all"]
    assert (call.statement.indent, call.statement.place.line) == ("  ", 2)


def test_exports_and_unset_are_seen() -> None:
    script = parse("export LLVM=1\nunset CI GITHUB_RUN_ID\n")
    assert script.assigned("LLVM")[0].exported
    assert [word.literal for word in script.calls[0].words] == ["CI", "GITHUB_RUN_ID"]


def test_code_in_comments_strings_and_here_documents_is_none() -> None:
    script = parse("# make all\necho 'make all'\ncat <<'E'\nmake all\npkgver=1\nE\n")
    assert [one.name for one in script.calls] == ["echo", "cat"]
    assert script.assigned("pkgver") == ()


@pytest.mark.parametrize(
    "text", ["pkgver=1\nbuild() {\n  if x; then\n}\n", "a=1\nb=(1\n", "a=1\n)\n"]
)
def test_what_is_not_understood_is_named_with_its_line(text) -> None:
    faults = parse(text).faults
    assert faults
    assert all(1 <= one.line <= 5 for one in faults)


def test_bytes_that_are_no_utf8_do_not_shift_places() -> None:
    content = b"# \xff\xfe\npkgver=1\n"
    script = parse_script(content)
    place = script.assigned("pkgver")[0].value
    assert content[place.start : place.end] == b"1"


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        (
            "for a in b; do\n  if [[ $a != */${c}/ ]]; then\n    d\n  fi\ndone\n",
            2,
            "if [[ $a != */${c}/ ]]; then",
        ),
        ("exec 5<>file\n", 1, ">"),
    ],
)
def test_what_is_not_understood_is_shown(text, line, shown) -> None:
    faults = parse_script(text.encode()).faults
    assert (faults[0].line, faults[0].text) == (line, shown)
    assert all(one.text and "\n" not in one.text for one in faults)


def test_files_that_a_redirection_replaces_belong_to_the_command() -> None:
    text = "a > x\nb | c >| y\nd <<E > z\n1\nE\ne >> x\nf 2>/dev/null < x\n{ g; h; } >x\n"
    every = {one.name: one.outputs for one in parse_script(text.encode()).calls}
    assert every == {
        "a": ("x",), "b": ("y",), "c": ("y",), "d": ("z",), "e": (), "f": ("/dev/null",),
        "g": ("x",), "h": ("x",),
    }  # fmt: skip
