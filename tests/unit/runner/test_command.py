"""Commands as plain data, and how they read in a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkgafdo.runner.command import Command, RunAs, shell


def test_a_command_needs_a_program() -> None:
    with pytest.raises(ValueError, match="program"):
        Command(argv=())


def test_arguments_are_quoted() -> None:
    assert shell(Command(argv=("echo", "a b", "$HOME", ""))) == "echo 'a b' '$HOME' ''"


def test_the_environment_stands_before_the_program_in_order() -> None:
    line = shell(Command(argv=("make",), env={"B": "x y", "A": "1"}))
    assert line == "A=1 B='x y' make"


def test_the_folder_is_entered_first() -> None:
    assert shell(Command(argv=("ls",), cwd=Path("/a b"))) == "cd '/a b' && ls"


def test_root_commands_go_through_sudo_with_their_environment() -> None:
    assert shell(Command(argv=("id",), run_as=RunAs.ROOT)) == "sudo id"
    line = shell(Command(argv=("id",), run_as=RunAs.ROOT, env={"A": "1"}, cwd=Path("/x")))
    assert line == "cd /x && sudo env A=1 id"


def test_the_build_user_is_named_in_a_comment() -> None:
    line = shell(Command(argv=("make",), run_as=RunAs.BUILDER, cwd=Path("/x")))
    assert line.splitlines() == ["# as the build user:", "cd /x && make"]


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("yes", " <<'EOF'\nyes\nEOF"),
        ("a\nb\n", " <<'EOF'\na\nb\nEOF"),
        ("a\n\n", " <<'EOF'\na\n\nEOF"),
        ("", " <<'EOF'\nEOF"),
        ("EOF\nx\n", " <<'EOF_'\nEOF\nx\nEOF_"),
        ("EOF\nEOF_\n", " <<'EOF__'\nEOF\nEOF_\nEOF__"),
    ],
)
def test_standard_input_is_shown_as_it_is_whatever_it_holds(text: str, document: str) -> None:
    assert shell(Command(argv=("cat",), stdin=text)) == "cat" + document


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1)
)
def test_any_arguments_come_back_from_the_shell_line(arguments: list[str]) -> None:
    assert shlex.split(shell(Command(argv=("x", *arguments)))) == ["x", *arguments]
