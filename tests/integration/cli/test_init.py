"""`pkgafdo init` with somebody at the terminal."""

from __future__ import annotations

import os
import sys
from subprocess import PIPE, Popen  # noqa: TID251  the terminal is what is tested
from typing import TYPE_CHECKING

import pytest

from pkgafdo.config.load import load_config

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def test_answers_at_a_terminal_are_taken_and_the_rest_is_left(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    path = tmp_path / "asked.toml"
    with Popen(
        [sys.executable, "-P", "-m", "pkgafdo", "init", "-o", str(path)],
        stdin=theirs, stdout=PIPE, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, b"/usr/src/linux\nsmall\nnonsense\nnone\nvm\nno\npacman-pkg\n")
        said = b""
        while process.poll() is None:
            try:
                said += os.read(ours, 4096)
            except OSError:  # the terminal's other side is closed
                break
        assert process.wait(30) == 0, said
    config = load_config(path)
    assert (config.source.location, config.source.branch) == ("/usr/src/linux", "")
    assert (config.kernel.base, config.kernel.lto) == ("small", "none")
    assert config.record.road == "vm"
    assert b"nonsense" in said
    assert config.package.route == "pacman-pkg"
