"""Text that fits a terminal."""

from __future__ import annotations

import io

import pytest

from pkgafdo import columns as subject

SENTENCE = (
    "    Work on the host itself, or record in the VM with the virtual LBR, which needs none."
)


def test_a_long_line_is_broken_between_words_and_indented() -> None:
    assert subject.fit(SENTENCE, 40).splitlines() == [
        "    Work on the host itself, or record",
        "      in the VM with the virtual LBR,",
        "      which needs none.",
    ]


def test_a_text_behind_a_name_goes_on_below_itself() -> None:
    line = "  perf    Not installed: it records the branches of the running kernel."
    assert subject.fit(line, 40).splitlines() == [
        "  perf    Not installed: it records the",
        "          branches of the running",
        "          kernel.",
    ]


def test_a_caller_who_says_where_the_rest_stands_is_followed() -> None:
    line = "[  0:21]   a step that says what it does, in more words than fit"
    rest = subject.fit(line, 40, further=11).splitlines()[1]
    assert rest.startswith(" " * 11 + "does")


def test_a_text_with_no_room_behind_its_name_goes_on_below_the_name() -> None:
    line = f"  {'n' * 40}  some words that do not fit here"
    assert subject.fit(line, 60).splitlines()[1].startswith("    ")
    assert not subject.fit(line, 60).splitlines()[1].startswith("     ")


def test_a_line_that_fits_stays_as_it_is() -> None:
    table = "  name      before     after\n  a              1         2  "
    assert subject.fit(table, 40) == table


@pytest.mark.parametrize("columns", [20, 41, 60, 79, 80])
def test_no_word_is_lost_and_no_line_is_too_wide(columns: int) -> None:
    text = subject.fit(SENTENCE, columns)
    assert text.split() == SENTENCE.split()
    assert max(map(len, text.splitlines())) <= columns


def test_a_path_stays_whole_although_it_is_too_wide() -> None:
    path = "/var/tmp/" + "x" * 100
    assert subject.fit(f"  {path}", 80) == f"  {path}"
    assert subject.fit(f"the profile is {path}", 80).splitlines() == ["the profile is", f"  {path}"]


def test_a_command_to_copy_stays_on_one_line() -> None:
    command = "`apt-get install --no-install-recommends virtme-ng`."
    text = subject.fit(f"Install it, where that is wanted, with {command} Or do not.", 60)
    assert command in text
    assert max(map(len, text.splitlines())) <= 60


def test_what_is_no_terminal_has_80_columns() -> None:
    assert subject.width_of(io.StringIO()) == 80
