"""How long work still takes, and how that is said: pure estimates, never more exact than they are."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

MARK_SECONDS: Final = 5.0
"""How far apart the marks of a course are, at least."""
_CALM_SECONDS: Final = 30.0
"""How much of the old pace counts at the beginning, when the new one is not known yet."""
_WORTH_SAYING: Final = 5.0
"""Work that takes less than this many seconds needs no estimate."""
_EARLY_SECONDS: Final = 5.0
_EARLY_SHARE: Final = 0.02
"""Before both of these, a share says nothing about the whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How counted work went: its seconds in all, and marks (things done by then, seconds).

    After the last mark comes work without a count, such as a kernel's link.
    """

    seconds: float
    marks: tuple[tuple[int, float], ...] = ()

    @property
    def count(self) -> int:
        """How many things were done in all."""
        return self.marks[-1][0] if self.marks else 0

    def at(self, done: int) -> float:
        """Return after how many seconds so many things were done."""
        after = bisect_right(self.marks, done, key=lambda mark: mark[0])
        if after == len(self.marks):
            return self.marks[-1][1] if self.marks else 0.0
        count, seconds = self.marks[after]
        before, then = self.marks[after - 1] if after else (0, 0.0)
        return then + (seconds - then) * (done - before) / (count - before)


def with_mark(
    marks: tuple[tuple[int, float], ...], done: int, seconds: float
) -> tuple[tuple[int, float], ...]:
    """Return the marks with one more, if the last is old enough."""
    if marks and seconds - marks[-1][1] < MARK_SECONDS:
        return marks
    return (*marks, (done, seconds))


def course_plain(course: Course) -> dict[str, Any]:
    """Return a course JSON-plain."""
    return {
        "seconds": round(course.seconds, 1),
        "marks": [[done, round(seconds, 1)] for done, seconds in course.marks],
    }


def parse_course(data: dict[str, Any]) -> Course:
    """Read a course back. Raises KeyError, TypeError or ValueError when it is none."""
    marks = tuple((int(done), float(seconds)) for done, seconds in data["marks"])
    if list(marks) != sorted(set(marks)) or len({done for done, _ in marks}) != len(marks):
        raise ValueError("the marks of a course must rise")
    return Course(seconds=float(data["seconds"]), marks=marks)


def left_by_course(last: Course, *, done: int, elapsed: float, started_at: int = 0) -> float:
    """Return the seconds left of work that went along `last` before, at today's pace.

    started_at is what was done already when this go began, `elapsed` seconds ago.
    """
    passed = last.at(done) - last.at(started_at)
    pace = (elapsed + _CALM_SECONDS) / (passed + _CALM_SECONDS)
    return max(0.0, last.seconds - last.at(done)) * pace


def left_by_share(share: float, *, elapsed: float, begun_at: float = 0.0) -> float | None:
    """Return the seconds left from the share that is done; None while it is too early to tell.

    begun_at is the share that was done when this go began, `elapsed` seconds ago.
    """
    gained = share - begun_at
    if elapsed < _EARLY_SECONDS or gained < _EARLY_SHARE:
        return None
    return max(0.0, elapsed * (1 - share) / gained)


def left_by_length(last: float, *, elapsed: float, share: float | None = None) -> float | None:
    """Return the seconds left of work that took `last` seconds before; None when it takes longer now."""
    if share is not None:
        share = min(1.0, max(0.0, share))
        return (1 - share) * ((1 - share) * last + elapsed)
    return last - elapsed if elapsed < last else None


def about(seconds: float) -> str:
    """Return a duration of some seconds or more as people say it: rougher the longer it is."""
    if seconds < 90:
        return f"{5 * round(seconds / 5)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(10 * round(seconds / 600), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What is known of the work in progress.

    text says what is done, detail what is being worked on. share (0 to 1) is how far it is; left the
    seconds left, where whoever does the work knows better than share and earlier runs.
    """

    text: str = ""
    detail: str = ""
    share: float | None = None
    left: float | None = None


def estimate(
    news: News,
    *,
    elapsed: float,
    aged: float = 0.0,
    last: float | None = None,
    begun_at: float = 0.0,
) -> str:
    """Return what is said of the time left, empty when nothing honest can be.

    elapsed is for how many seconds the work goes on, aged how old the news are, last how long the
    work took before.
    """
    share = news.share
    if news.left is not None:
        return _said(news.left - aged)
    if last is not None and last >= _WORTH_SAYING:
        left = left_by_length(last, elapsed=elapsed, share=share)
        return f"longer than last time ({about(last)})" if left is None else _said(left)
    if share is None:
        return ""
    left = left_by_share(share, elapsed=elapsed - aged, begun_at=begun_at)
    return "" if left is None else _said(left - aged)


def _said(left: float) -> str:
    """Return the sentence of the seconds left; none for what should be over already."""
    if left < 0:
        return ""
    return f"about {about(left)} left" if left >= _WORTH_SAYING else "a few seconds left"


def line(stamp: str, news: News, left: str, columns: int) -> str:
    """Return the progress line, no wider than the columns; the detail is what is cut."""
    head = ", ".join(part for part in (news.text or "at work", left) if part)
    text = f"{stamp}   {head}" + (f": {news.detail}" if news.detail else "")
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= columns else text[: max(0, columns - 1)] + "…"
