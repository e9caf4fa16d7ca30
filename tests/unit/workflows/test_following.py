"""Following a kernel build, and what the next one is told of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo import log
from pkgafdo.errors import CommandError
from pkgafdo.workflows import following as subject
from pkgafdo.workflows.rounds import Round
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pkgafdo.workflows.session import Session

COURSE = {"seconds": 600.0, "marks": [[500, 200.0], [1000, 500.0]]}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return make_session(tmp_path, FakeRunner())


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """What the progress line is told: its text, and the seconds left."""
    said: list[tuple[str, float | None]] = []

    class Listener(log.Terminal):
        def progress(self, news: Any) -> None:
            said.append((news.text, news.left))

    monkeypatch.setattr(log, "_terminal", Listener())
    return said


def keep(session: Session, **rounds: object) -> None:
    (session.workdir.path / "builds.json").write_text(json.dumps(rounds))


def kept(session: Session) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((session.workdir.path / "builds.json").read_text())
    return found


def build(
    session: Session, names: Sequence[str], *, which: Round = Round.BASELINE, key: str = "k"
) -> int:
    with subject.following(session, which, key=key) as course:
        for name in names:
            course.on_line(f"  CC      {name}")
    return course.watch.done


def end_badly(session: Session, lines: Sequence[str], error: BaseException) -> None:
    with subject.following(session, Round.BASELINE, key="k") as course:
        for line in lines:
            course.on_line(line)
        raise error


def test_a_first_build_only_counts(session, shown) -> None:
    assert build(session, ["a.o", "b.o"]) == 2
    assert shown == [
        ("0 files compiled", None), ("1 files compiled", None), ("2 files compiled", None)
    ]  # fmt: skip
    assert kept(session)["baseline"]["last"]["marks"][-1][0] == 2


def test_the_next_round_is_measured_by_the_one_before(session, shown) -> None:
    keep(session, baseline={"key": "k", "now": COURSE, "last": COURSE})
    build(session, ["a.o"] * 500, which=Round.OPTIMISED, key="other")
    text, left = shown[500]
    assert text == "50 % of 1,000 files"
    assert left is not None
    # Half of the objects in no time: it is far faster than it was, and the old pace still counts.
    assert 30 < left < 400
    assert shown[0] == ("0 % of 1,000 files", pytest.approx(600, abs=5))


def test_an_interrupted_build_goes_on_from_where_it_was(session, shown) -> None:
    keep(session, optimised={"key": "x", "now": COURSE, "last": COURSE})
    with pytest.raises(KeyboardInterrupt):
        end_badly(session, ["  CC      a.o"] * 400, KeyboardInterrupt())
    shown.clear()
    assert build(session, ["a.o"] * 600) == 1000
    assert shown[0][0] == "40 % of 1,000 files"
    assert kept(session)["baseline"]["last"]["marks"][-1][0] == 1000


def test_an_interrupted_build_of_another_kind_begins_anew(session, shown) -> None:
    keep(session, baseline={"key": "k", "now": COURSE, "last": COURSE})
    build(session, ["a.o"], key="another profile")
    assert shown[0][0] == "0 % of 1,000 files"


def test_a_build_without_a_key_begins_anew(session, shown) -> None:
    keep(session, baseline={"key": "", "now": COURSE, "last": COURSE})
    build(session, ["a.o"], key="")
    assert shown[0][0] == "0 % of 1,000 files"


def test_a_build_that_has_nothing_to_do_does_not_replace_the_last_whole_one(session, shown) -> None:
    keep(session, baseline={"key": "k", "now": COURSE, "last": COURSE})
    build(session, [])
    assert kept(session)["baseline"]["last"] == COURSE
    assert shown == [("99 % of 1,000 files", pytest.approx(100))]


def test_a_failed_build_shows_its_failing_lines(session, shown) -> None:
    with pytest.raises(CommandError, match="did not build") as caught:
        end_badly(session, ["a.c:1:1: error: no"], CommandError("make failed"))
    assert caught.value.details == "a.c:1:1: error: no"
    assert kept(session)["baseline"]["last"] is None


@pytest.mark.parametrize(
    "text", ["{", "[]", "[1]", '{"baseline": 5}', '{"baseline": {"last": {}}}']
)
def test_what_was_kept_and_cannot_be_read_tells_nothing(session, shown, text: str) -> None:
    (session.workdir.path / "builds.json").write_text(text)
    build(session, ["a.o"])
    assert shown[0] == ("0 files compiled", None)
