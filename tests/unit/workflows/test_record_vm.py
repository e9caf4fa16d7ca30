"""What is made of a command's stay in the VM."""

from __future__ import annotations

from typing import Any

import pytest

from pkgafdo.errors import HostError
from pkgafdo.runner.local import LocalRunner
from pkgafdo.vm.errand import Errand, Outcome, User
from pkgafdo.vm.guest import parse_report
from pkgafdo.workflows.record_vm import faults_of, resolved

REPORT = parse_report("pkgafdo: release 7.2.13\npkgafdo: begun\npkgafdo: step 1 0\npkgafdo: done\n")
PANIC = "[ 12.4] Kernel panic - not syncing: sysrq triggered crash\n"


def outcome(**changes: Any) -> Outcome:
    """Return a stay that went well, with these changes."""
    usual: dict[str, Any] = {
        "report": REPORT, "status": 0, "seconds": 3.0, "begun": True, "interrupted": False,
        "expired": False,
    }  # fmt: skip
    return Outcome(**(usual | changes))


def errand(folder, name: str, path: str = "/nowhere") -> Errand:
    """Return an errand in a folder, with this PATH."""
    user = User(name="u", uid=1, gid=1, home="/")
    return Errand(command=(name, "-l"), folder=folder, environ={"PATH": path}, user=user)


@pytest.fixture
def program(tmp_path):
    """A program in a folder."""
    path = tmp_path / "bin/tool"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_nothing_speaks_against_a_command_that_succeeded():
    assert faults_of(outcome(), "") == []


def test_a_failed_command_is_a_fault():
    assert faults_of(outcome(status=7), "") == ["its workload failed with exit code 7"]


@pytest.mark.parametrize("how", ["interrupted", "expired"])
def test_a_command_that_we_ended_is_no_fault(how):
    assert faults_of(outcome(status=None, **{how: True}), "") == []


def test_a_guest_that_ended_before_its_command_is_a_fault_with_the_reason():
    assert faults_of(outcome(status=None), PANIC) == [
        f"the guest's kernel broke: {PANIC.strip()}",
        "the guest ended before its workload did",
    ]


def test_a_recording_that_broke_off_is_a_fault_unless_we_ended_it():
    assert faults_of(outcome(), "", "cut short") == ["it broke off: cut short"]
    assert faults_of(outcome(status=None, expired=True), "", "cut short") == []


def test_an_oops_that_the_command_survived_is_a_fault_too():
    said = "BUG: kernel NULL pointer dereference, address: 0\n"
    assert faults_of(outcome(), said) == [f"the guest's kernel broke: {said.strip()}"]


def test_a_program_is_found_on_the_user_s_own_path(tmp_path, program):
    found = resolved(LocalRunner(env={}), errand(tmp_path, "tool", str(program.parent)))
    assert found.program == str(program)
    assert found.title == "tool -l"


def test_a_program_with_a_slash_is_relative_to_the_folder(tmp_path, program):
    assert resolved(LocalRunner(env={}), errand(tmp_path, "bin/tool")).program == str(program)
    assert resolved(LocalRunner(env={}), errand(tmp_path, str(program))).program == str(program)


@pytest.mark.parametrize("name", ["absent", "bin/absent", "bin"])
def test_a_command_that_is_not_here_is_refused_before_the_boot(tmp_path, program, name):
    with pytest.raises(HostError, match="is not installed") as caught:
        resolved(LocalRunner(env={}), errand(tmp_path, name))
    assert "programs of this machine" in caught.value.hint
