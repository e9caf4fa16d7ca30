"""This machine, as its own commands describe it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pkgafdo.host import doctor
from pkgafdo.host.facts import read_facts
from pkgafdo.host.tools import check_tools, require_tools
from pkgafdo.host.users import closed_folder, groups_of, require_builder
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

FACTS = read_facts()


@pytest.fixture(scope="module")
def runner() -> LocalRunner:
    return LocalRunner(env=FACTS.environment, builder=require_builder(os.geteuid()))


def asked(runner: LocalRunner, *argv: str) -> str:
    return runner.query(Command(argv=argv)).stdout.strip()


def test_the_facts_are_those_of_the_machine(runner: LocalRunner) -> None:
    assert asked(runner, "uname", "-r") == FACTS.release
    assert asked(runner, "uname", "-m") == FACTS.machine
    assert asked(runner, "id", "-u") == str(FACTS.euid)
    assert asked(runner, "nproc") == str(FACTS.cores)
    assert FACTS.memory > FACTS.memory_available > 0


def test_after_setup_nothing_is_missing(runner: LocalRunner) -> None:
    require_tools(runner, family=FACTS.family)
    page = doctor.diagnose(FACTS, check_tools(runner, family=FACTS.family))
    assert page.healthy, doctor.render(page)


def test_the_mode_bits_agree_with_what_the_build_user_can_do(runner: LocalRunner, tmp_path) -> None:
    builder = runner.builder
    if builder is None:
        pytest.skip("only root has a build user")
    assert builder.gid in groups_of(builder)
    become = ("setpriv", f"--reuid={builder.uid}", f"--regid={builder.gid}", "--init-groups")
    for folder in (Path("/"), Path("/usr/lib"), tmp_path, Path("/root")):
        enter = Command(argv=(*become, "test", "-x", f"{folder}/."), accept=frozenset({0, 1}))
        may = runner.query(enter).returncode == 0
        assert (closed_folder(folder, builder) is None) is may, folder
