"""How long work still takes, and how that is said."""

from __future__ import annotations

import pytest

from pkgafdo import progress as subject
from pkgafdo.progress import Course, News

# Half of the files take a quarter of the time; two minutes of linking follow the last one.
LAST = Course(seconds=520.0, marks=((500, 100.0), (1000, 400.0)))


def test_a_course_tells_when_so_many_things_were_done() -> None:
    assert [LAST.at(done) for done in (0, 250, 500, 750, 1000, 1200)] == [
        0, 50, 100, 250, 400, 400
    ]  # fmt: skip
    assert LAST.count == 1000
    assert Course(seconds=3.0).at(7) == 0.0


def test_work_that_goes_as_it_did_before_ends_as_it_did_before() -> None:
    for done, elapsed in ((0, 0), (500, 100), (750, 250), (1000, 400)):
        left = subject.left_by_course(LAST, done=done, elapsed=elapsed)
        assert left == pytest.approx(520 - elapsed)


def test_a_slower_machine_is_noticed_and_the_more_the_longer_it_is_so() -> None:
    early = subject.left_by_course(LAST, done=100, elapsed=40)  # 20 s before
    late = subject.left_by_course(LAST, done=750, elapsed=500)  # 250 s before
    assert early == pytest.approx(500 * 70 / 50)
    assert late == pytest.approx(270 * 530 / 280)


def test_a_build_that_is_taken_up_again_has_only_the_rest_before_it() -> None:
    left = subject.left_by_course(LAST, done=500, elapsed=0, started_at=500)
    assert left == pytest.approx(420)


def test_a_share_tells_the_time_left_once_it_is_worth_something() -> None:
    assert subject.left_by_share(0.5, elapsed=60) == 60
    assert subject.left_by_share(0.75, elapsed=10, begun_at=0.5) == 10
    assert subject.left_by_share(0.5, elapsed=1) is None
    assert subject.left_by_share(0.01, elapsed=60) is None


def test_the_last_length_counts_less_the_further_work_is() -> None:
    assert subject.left_by_length(100, elapsed=30) == 70
    assert subject.left_by_length(100, elapsed=101) is None
    assert subject.left_by_length(100, elapsed=0, share=0.0) == 100
    assert subject.left_by_length(100, elapsed=200, share=0.5) == 125
    assert subject.left_by_length(100, elapsed=200, share=1.5) == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (7, "5 s"), (44, "45 s"), (89, "90 s"), (100, "2 min"), (620, "10 min"), (5399, "1 h 30 min"),
        (7200, "2 h"), (8000, "2 h 10 min"), (36000, "10 h"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_roughly_as_it_is_known(seconds: float, said: str) -> None:
    assert subject.about(seconds) == said


def test_nothing_is_said_of_the_time_left_where_nothing_is_known() -> None:
    assert subject.estimate(News(text="7 files compiled"), elapsed=100) == ""
    assert subject.estimate(News(share=0.5), elapsed=2) == ""


def test_the_estimate_grows_old() -> None:
    news = News(left=60)
    assert subject.estimate(news, elapsed=5, aged=0) == "about 60 s left"
    assert subject.estimate(news, elapsed=45, aged=40) == "about 20 s left"
    assert subject.estimate(news, elapsed=63, aged=58) == "a few seconds left"
    assert subject.estimate(news, elapsed=99, aged=94) == ""


def test_work_that_takes_longer_than_before_is_said_to() -> None:
    assert subject.estimate(News(), elapsed=10, last=70) == "about 60 s left"
    assert subject.estimate(News(), elapsed=90, last=70) == "longer than last time (70 s)"


def test_work_of_a_moment_needs_no_estimate() -> None:
    assert subject.estimate(News(), elapsed=1, last=3) == ""


def test_a_share_is_estimated_from_when_it_was_told() -> None:
    assert subject.estimate(News(share=0.5), elapsed=70, aged=10) == "about 50 s left"


def test_the_line_never_exceeds_the_terminal_and_its_head_is_kept() -> None:
    news = News(text="42 % of 3,127 files", detail="drivers/gpu/drm/amd/display/" + "x" * 80)
    line = subject.line("[ 12:34]", news, "about 4 min left", 79)
    assert len(line) == 79
    assert line.startswith("[ 12:34]   42 % of 3,127 files, about 4 min left: drivers/gpu/")
    assert line.endswith("…")


def test_work_that_says_nothing_is_at_work() -> None:
    assert subject.line("[  0:05]", News(), "", 79) == "[  0:05]   at work"
    assert subject.line("[  0:05]", News(), "about 2 min left", 79).endswith(
        "at work, about 2 min left"
    )


def test_no_control_sign_reaches_the_terminal() -> None:
    assert "\x1b" not in subject.line("[  0:05]", News(detail="a\x1b[2J\nb"), "", 79)


def test_marks_are_a_few_seconds_apart() -> None:
    marks: tuple[tuple[int, float], ...] = ()
    for done in range(1, 1001):
        marks = subject.with_mark(marks, done, done / 10)
    assert 15 <= len(marks) <= 21
    assert Course(seconds=100, marks=marks).at(505) == pytest.approx(50.5)


def test_a_course_survives_being_written() -> None:
    assert subject.parse_course(subject.course_plain(LAST)) == LAST


@pytest.mark.parametrize(
    "marks", [[[5, 1.0], [5, 2.0]], [[5, 2.0], [6, 1.0], [4, 3.0]], "no", [[1]]]
)
def test_what_is_no_course_is_refused(marks: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        subject.parse_course({"seconds": 5, "marks": marks})
