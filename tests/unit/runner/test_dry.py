"""The runner that shows what would change and still answers questions."""

from __future__ import annotations

from pkgafdo.runner.command import Command, Result
from pkgafdo.runner.dry import DryRunner
from tests.fakes.runner import FakeRunner


def test_what_would_change_is_shown_and_not_done() -> None:
    shown: list[str] = []
    real = FakeRunner()
    result = DryRunner(real=real, show=shown.append).run(Command(argv=("rm", "-r", "a b")))
    assert shown == ["rm -r 'a b'"]
    assert result == Result(returncode=0)
    assert real.ran == []
    assert real.queried == []


def test_questions_are_answered_by_the_real_runner() -> None:
    real = FakeRunner(answers={"uname": Result(returncode=0, stdout="7.2\n")}, missing={"clang"})
    dry = DryRunner(real=real, show=lambda _: None)
    assert dry.query(Command(argv=("uname", "-r"))).stdout == "7.2\n"
    assert dry.which("clang") is None
    assert dry.which("ld") == "/usr/bin/ld"
