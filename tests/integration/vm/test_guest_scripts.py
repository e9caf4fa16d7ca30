"""The shell scripts that run in guests, read by shellcheck."""

from __future__ import annotations

import shutil

import pytest

from pkgafdo.runner.command import Command
from pkgafdo.vm.plugin import native_source

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["init.sh", "errand.sh"])
def test_shellcheck_has_nothing_to_say(runner, name: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    runner.query(Command(argv=("shellcheck", "-"), stdin=native_source(name)))
