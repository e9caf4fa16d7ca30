"""Following a kernel build: what its progress line says, and what is kept of it for the next one."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pkgafdo import files, log
from pkgafdo.kernel.watch import BuildWatch, explaining
from pkgafdo.progress import Course, course_plain, left_by_course, parse_course, with_mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session


@dataclass(kw_only=True, slots=True)
class BuildCourse:
    """A build in progress. last is how one like it went, now how this one goes, interruptions left out."""

    last: Course | None
    now: Course
    began: float
    watch: BuildWatch
    moved: float = field(init=False)
    started_at: int = field(init=False)

    def __post_init__(self) -> None:
        self.moved, self.started_at = self.began, self.watch.done

    def on_line(self, line: str) -> None:
        """Take a line of the build's output."""
        name = self.watch.feed(line)
        if name is not None:
            self.moved = time.monotonic()
            marks = with_mark(self.now.marks, self.watch.done, self._spent(self.moved))
            self.now = Course(seconds=self.now.seconds, marks=marks)
            self.show(name)

    def show(self, name: str = "") -> None:
        """Show how far the build is, and the object that was made."""
        done = self.watch.done
        if self.last is None:
            log.progress(f"{done:,} files compiled", detail=name)
            return
        share = min(99, 100 * done // max(1, self.last.count))
        left = left_by_course(
            self.last, done=done, elapsed=self.moved - self.began, started_at=self.started_at
        )
        log.progress(f"{share} % of {self.last.count:,} files", detail=name, left=left)

    def finished(self, moment: float) -> Course:
        """Return the course up to a moment, its last object marked."""
        spent = self._spent(moment)
        marks = tuple(mark for mark in self.now.marks if mark[0] < self.watch.done)
        if self.watch.done:
            marks = (*marks, (self.watch.done, min(spent, self._spent(self.moved))))
        return Course(seconds=spent, marks=marks)

    def _spent(self, moment: float) -> float:
        return self.now.seconds + moment - self.began


@contextmanager
def following(session: Session, which: Round, *, key: str = "") -> Iterator[BuildCourse]:
    """Follow a round's build within the block, and remember how it went.

    key tells whether an interrupted build is taken up again, where the object folder still holds what
    was made. Raises CommandError with the failing lines where the build fails.
    """
    place = session.workdir.path / "builds.json"
    known = _read(place)
    mine = known.get(which.value, {})
    resumed = bool(key) and mine.get("key") == key
    now = _course(mine.get("now")) if resumed else None
    course = BuildCourse(
        last=last_course(known, which.value),
        now=now or Course(seconds=0.0),
        began=time.monotonic(),
        watch=BuildWatch(done=now.count if now else 0),
    )
    course.show()
    whole = False
    try:
        with explaining(course.watch):
            yield course
        whole = True
    finally:
        went = course_plain(course.finished(time.monotonic()))
        mine = {"key": key, "now": went, "last": mine.get("last")}
        if whole and course.watch.done > course.started_at:
            mine["last"] = went
        files.write_json(place, known | {which.value: mine})


def last_course(known: Mapping[str, Any], which: str) -> Course | None:
    """Return how a round's last whole build went, else the longest of another round, else None."""
    own = _course(known.get(which, {}).get("last"))
    if own is not None:
        return own
    others = [course for one in known.values() if (course := _course(one.get("last"))) is not None]
    return max(others, key=lambda course: course.count, default=None)


def _course(data: Any) -> Course | None:  # noqa: ANN401  whatever the file holds
    try:
        return parse_course(data)
    except (KeyError, TypeError, ValueError):
        return None


def _read(place: Path) -> dict[str, Any]:
    """Return what is kept of earlier builds; a file that is none tells nothing."""
    try:
        known = dict(files.read_json(place))
    except (OSError, ValueError, TypeError):
        return {}
    return {which: kept for which, kept in known.items() if isinstance(kept, dict)}
