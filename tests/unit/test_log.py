"""What a person sees while pkgafdo works."""

from __future__ import annotations

import errno
import io
import re
import time

import pytest

from pkgafdo import log as subject
from pkgafdo.progress import News


@pytest.fixture
def terminal(monkeypatch):
    """Make a terminal that all messages go to; the usual one comes back afterwards."""
    monkeypatch.setattr(subject, "_terminal", subject.Terminal(stream=io.StringIO()))

    def make(**options) -> io.StringIO:
        stream = io.StringIO()
        subject.use(subject.Terminal(stream=stream, **options))
        return stream

    return make


def test_a_line_carries_the_time_since_the_start(terminal) -> None:
    stream = terminal()
    subject.step("build")
    assert re.fullmatch(r"\[  0:0\d\] build\n", stream.getvalue())


def test_notes_are_indented_and_warnings_named(terminal) -> None:
    stream = terminal()
    subject.note("made 3 packages")
    subject.warn("no zstd")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("]   made 3 packages")
    assert second.endswith("]   warning: no zstd")


def test_quiet_silences_all_but_warnings(terminal) -> None:
    stream = terminal(quiet=True, live=True)
    subject.step("a")
    subject.note("b")
    subject.progress("c")
    subject.warn("d")
    assert [line.split("] ")[1].strip() for line in stream.getvalue().splitlines()] == [
        "warning: d"
    ]


def test_details_show_only_when_asked_for(terminal) -> None:
    stream = terminal()
    subject.detail("+ make")
    assert stream.getvalue() == ""
    stream = terminal(verbose=True)
    subject.detail("+ make")
    assert stream.getvalue().endswith("+ make\n")


def test_colour_is_used_only_where_it_is_wanted(terminal) -> None:
    plain, coloured = terminal(), terminal(color=True)
    subject.step("a")
    assert "\x1b[1m" in coloured.getvalue()
    assert coloured.getvalue().endswith("\x1b[0m\n")
    assert plain.getvalue() == ""


def test_a_progress_line_is_removed_before_the_next_message(terminal) -> None:
    stream = terminal(live=True)
    subject.progress("CC a.o")
    subject.step("next")
    stamp = r"\[  0:0\d\]"
    wanted = rf"\r\x1b\[K{stamp}   CC a\.o\r\x1b\[K{stamp} next\n"
    assert re.fullmatch(wanted, stream.getvalue())


def test_there_is_no_progress_line_without_a_terminal(terminal) -> None:
    stream = terminal(live=False)
    subject.progress("CC a.o")
    assert stream.getvalue() == ""


def test_progress_is_not_redrawn_for_every_line(terminal) -> None:
    stream = terminal(live=True)
    for number in range(1000):
        subject.progress(f"CC {number}.o")
    assert stream.getvalue().count("CC") < 20


def test_done_progress_removes_the_line_once(terminal) -> None:
    stream = terminal(live=True)
    subject.progress("x")
    subject.done_progress()
    subject.done_progress()
    assert stream.getvalue().count("\r\x1b[K") == 2


@pytest.fixture
def fast(monkeypatch) -> None:
    """Redraw without waiting."""
    monkeypatch.setattr(subject, "_TICK_SECONDS", 0.005)
    monkeypatch.setattr(subject, "_QUICK_SECONDS", 0.0)


def wait_for(stream: io.StringIO, text: str) -> None:
    """Wait until something was drawn."""
    deadline = time.monotonic() + 20
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.005)


def test_silent_work_has_a_line_with_what_the_last_time_tells(terminal, fast) -> None:
    stream = terminal(live=True)
    with subject.working(last=600):
        wait_for(stream, "at work, about 10 min left")
    assert stream.getvalue().endswith("\r\x1b[K")


def test_work_is_asked_how_far_it_is(terminal, fast) -> None:
    stream = terminal(live=True)
    with subject.working(), subject.asking(lambda: News(text="2 of 5 workloads", detail="fork")):
        wait_for(stream, "2 of 5 workloads: fork")


def test_nothing_is_drawn_while_another_program_has_the_terminal(terminal, fast) -> None:
    stream = terminal(live=True)
    with subject.working():
        wait_for(stream, "at work")
        with subject.aside():
            before = stream.getvalue()
            time.sleep(0.05)
            assert stream.getvalue() == before
            assert before.endswith("\r\x1b[K")
        stream.truncate(0)
        wait_for(stream, "at work")


@pytest.mark.parametrize("options", [{"live": False}, {"live": True, "quiet": True}])
def test_work_draws_nothing_without_a_terminal_or_when_quiet(terminal, fast, options) -> None:
    stream = terminal(**options)
    with subject.working(last=600), subject.asking(lambda: News(text="never")):
        subject.progress("CC a.o")
        time.sleep(0.05)
    assert stream.getvalue() == ""


def test_a_line_within_work_knows_the_time_left_of_its_share(terminal) -> None:
    stream = terminal(live=True)
    with subject.working(last=600):
        subject.progress("60 files", share=0.6)
    assert "60 files, about 2 min left" in stream.getvalue()


def test_inner_work_has_an_estimate_of_its_own(terminal, fast) -> None:
    stream = terminal(live=True)
    with subject.working(last=600):
        with subject.working():
            wait_for(stream, "at work")
            assert "left" not in stream.getvalue()
        wait_for(stream, "about 10 min left")


def test_who_replaces_stderr_afterwards_gets_what_is_said_from_then_on(monkeypatch) -> None:
    earlier, later = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", earlier)
    monkeypatch.setattr(subject, "_terminal", subject.Terminal())
    earlier.close()
    monkeypatch.setattr("sys.stderr", later)
    subject.note("still here")
    assert later.getvalue().endswith("still here\n")


class Gone(io.StringIO):
    """A terminal that was closed, or a disk that is full."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def flush(self) -> None:
        raise OSError(self.number, "gone")


def test_a_terminal_that_was_closed_ends_nothing() -> None:
    terminal = subject.Terminal(stream=Gone(errno.EIO), live=True)
    terminal.say("note", "text")
    terminal.progress(News(text="text"))
    terminal.clear()


def test_a_full_disk_is_not_passed_over() -> None:
    with pytest.raises(OSError, match="gone"):
        subject.Terminal(stream=Gone(errno.ENOSPC)).say("note", "text")
