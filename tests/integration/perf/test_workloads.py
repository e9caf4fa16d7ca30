"""The scripts of the named workloads, with the real program, for a second of each group."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.perf.workloads import WORKLOADS, Ground, workload_command
from pkgafdo.runner.command import RunAs
from pkgafdo.runner.local import Builder, LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.perf.workloads import HostWorkload

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        shutil.which("stress-ng") is None,
        reason="stress-ng is not installed (Arch, Debian: stress-ng)",
    ),
]

_ENTRY = pwd.getpwnam("nobody")
USER = Builder(name="nobody", uid=_ENTRY.pw_uid, gid=_ENTRY.pw_gid, home="/")
"""Workloads run as the user, never as root: some stressors refuse to."""
RAN = re.compile(r"^stress-ng: .*\] ([a-z-]+) +\d+ ", re.MULTILINE)
STRESSED = [one for one in WORKLOADS if one.programs[0][0] == "stress-ng"]


def brief(workload: HostWorkload) -> HostWorkload:
    """Return the workload with a second for each group, which says what it ran."""
    script = workload.script.replace("--timeout 15s", "--timeout 1s")
    assert script != workload.script
    return replace(workload, script=script.replace("--quiet", "--metrics-brief"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of the workloads reaches and owns."""
    with tempfile.TemporaryDirectory(prefix="pkgafdo-test-") as name:
        if os.geteuid() == 0:
            os.chown(name, USER.uid, USER.gid)
        yield Path(name)


@pytest.mark.parametrize("workload", STRESSED, ids=lambda one: one.name)
def test_stress_ng_runs_every_stressor_of_a_script(workload: HostWorkload, folder: Path) -> None:
    root = os.geteuid() == 0
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    runner = LocalRunner(env=env, builder=USER if root else None)
    command = workload_command(
        brief(workload),
        Ground(folder=folder, jobs=2),
        run_as=RunAs.BUILDER if root else RunAs.SELF,
    )
    result = runner.query(replace(command, timeout=300))
    wanted = set(re.findall(r"--(\S+) 2", workload.script))
    assert len(wanted) > 5
    assert wanted - set(RAN.findall(result.stdout + result.stderr)) == set()
    assert list(folder.iterdir()) == []
