"""What pacman's own programs are asked."""

from __future__ import annotations

import pytest

from pkgafdo.pacman.program import download_user
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner


@pytest.mark.parametrize(
    ("answer", "user"),
    [
        (Result(returncode=0, stdout="alpm\n"), "alpm"),
        (Result(returncode=0, stdout=""), ""),
        (Result(returncode=1, stderr="warning: unknown directive 'DownloadUser'\n"), ""),
    ],
)
def test_the_download_user_is_what_the_configuration_says(answer, user) -> None:
    assert download_user(FakeRunner(answers={"pacman-conf": answer})) == user


def test_without_pacman_nobody_downloads() -> None:
    runner = FakeRunner(answers={}, missing={"pacman-conf"})
    assert download_user(runner) == ""
    assert runner.ran == []
