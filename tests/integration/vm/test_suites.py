"""The shipped suites' stressors end by themselves with this machine's stress-ng."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.runner.command import Command
from pkgafdo.vm.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("stress-ng") is None, reason="stress-ng is not installed"),
]

STEPS = [
    pytest.param(step, id=f"{suite.name}-{step.name}")
    for suite in SUITES.values()
    for step in suite.steps
    if "stress-ng" in step.script
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where it is: the guest has all its files there, and a disk may be slow."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_stops_after_its_operations(runner, folder, step) -> None:
    # In the guest, whose clock counts instructions, one that does not would take an hour.
    script = step.script.replace("/mnt", str(folder)).replace("/tmp ", f"{folder} ")
    # Some of what it tries is forbidden here; the guest's init looks at its exit code.
    command = Command(argv=("sh", "-c", script), accept=frozenset(range(256)), timeout=120)
    result = runner.query(command)
    assert "unrecognized option" not in result.stdout + result.stderr
