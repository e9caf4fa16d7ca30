"""The small root process: it ends its command with its pipe, and puts sysctls back whatever ends us."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from subprocess import DEVNULL, PIPE, Popen  # noqa: TID251  what is tested must be killed
from typing import TYPE_CHECKING

import pytest

from pkgafdo.perf.keeper import Places, keeper_script, kept_command
from pkgafdo.runner.command import RunAs
from tests.integration.cli.program import can_mount, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

NAME = "kernel/kptr_restrict"


class Tree:
    """A stand-in for /proc/sys, and what a keeper is started with."""

    def __init__(self, folder: Path, value: int = 2) -> None:
        self.folder = folder
        self.sysctl = folder / "sys" / NAME
        self.sysctl.parent.mkdir(parents=True)
        self.sysctl.write_text(f"{value}\n", encoding="ascii")
        self.notes = folder / "notes"
        self.mark = folder / "mark"
        self.pid = folder / "pid"

    @property
    def value(self) -> str:
        return self.sysctl.read_text(encoding="ascii").strip()

    def argv(self, *command: str) -> tuple[str, ...]:
        places = Places(sysctls=str(self.folder / "sys"), notes=str(self.notes))
        return kept_command(command, places=places).argv

    def waiting(self) -> tuple[str, ...]:
        return self.argv(sys.executable, "-c", WAITING, str(self.mark), str(self.pid))

    def is_at_work(self) -> bool:
        return self.pid.is_file() and bool(self.pid.read_text(encoding="ascii"))


WAITING = """
import os, signal, sys, time
def end(*_):
    open(sys.argv[1], "w").write("ended"); sys.exit(0)
signal.signal(signal.SIGINT, end)
open(sys.argv[2], "w").write(str(os.getpid()))
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def start(argv: tuple[str, ...]) -> Popen[bytes]:
    return Popen(argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True)


def close(process: Popen[bytes]) -> int:
    assert process.stdin is not None
    process.stdin.close()
    return process.wait(120)


def test_the_value_is_lowered_while_the_command_runs(tree: Tree) -> None:
    process = start(tree.waiting())
    wait_until(tree.is_at_work, "the command begins", 120)
    assert tree.value == "1"
    assert close(process) == 0
    assert tree.mark.is_file()
    assert tree.value == "2"
    assert [path.name for path in tree.notes.iterdir()] == ["lock"]


@pytest.mark.parametrize("value", [0, 1])
def test_a_value_that_is_low_enough_stays_as_it_is(tmp_path: Path, value: int) -> None:
    tree = Tree(tmp_path, value)
    before = tree.sysctl.stat().st_mtime_ns
    process = start(tree.waiting())
    wait_until(tree.is_at_work, "the command begins", 120)
    assert tree.value == str(value)
    close(process)
    assert tree.sysctl.stat().st_mtime_ns == before


def test_the_exit_code_is_that_of_the_command(tree: Tree) -> None:
    process = start(tree.argv("sh", "-c", "exit 7"))
    assert process.wait(120) == 7
    assert tree.value == "2"


def test_a_command_that_cannot_be_started_puts_the_value_back(tree: Tree) -> None:
    process = start(tree.argv("/no/such/program"))
    assert process.wait(120) == 127
    assert tree.value == "2"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_no_polite_signal_keeps_the_value_from_coming_back(
    tree: Tree, number: signal.Signals
) -> None:
    process = start(tree.waiting())
    wait_until(tree.is_at_work, "the command begins", 120)
    process.send_signal(number)
    time.sleep(0.2)
    assert tree.value == "1"
    close(process)
    assert tree.value == "2"


HOLDER = """
import subprocess, sys, time
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
time.sleep(600)
"""


def test_a_killed_recorder_ends_the_command_and_the_value_comes_back(tree: Tree) -> None:
    holder = Popen([sys.executable, "-c", HOLDER, *tree.waiting()], stderr=DEVNULL)
    wait_until(tree.is_at_work, "the command begins", 120)
    assert tree.value == "1"
    holder.kill()
    holder.wait()
    wait_until(lambda: tree.value == "2", "the value comes back", 120)
    assert tree.mark.is_file()


def test_what_a_killed_keeper_left_is_repaired_by_the_next_start(tree: Tree) -> None:
    process = start(tree.waiting())
    wait_until(tree.is_at_work, "the command begins", 120)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert tree.value == "1"
    assert (tree.notes / "kernel.kptr_restrict.was").read_text(encoding="ascii") == f"{NAME} 2\n"
    other = start(tree.argv("cat", str(tree.sysctl)))
    said, told = other.communicate(timeout=120)
    assert said == b"1\n"
    assert b"is 2 again" in told
    assert tree.value == "2"


def test_the_repair_needs_nothing_to_be_lowered(tree: Tree) -> None:
    tree.notes.mkdir()
    (tree.notes / "kernel.kptr_restrict.was").write_text(f"{NAME} 2\n", encoding="ascii")
    tree.sysctl.write_text("0\n", encoding="ascii")
    start(tree.argv("true")).wait(120)
    assert tree.value == "2"


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed")
def test_a_second_keeper_waits_until_the_first_has_put_back(tree: Tree) -> None:
    first = start(tree.waiting())
    wait_until(tree.is_at_work, "the command begins", 120)
    second = start(tree.argv("cat", str(tree.sysctl)))
    time.sleep(0.3)
    assert second.poll() is None
    close(first)
    said, _ = second.communicate(timeout=120)
    assert said == b"1\n"
    assert tree.value == "2"


def test_without_root_nothing_is_held(tree: Tree) -> None:
    places = Places(sysctls=str(tree.folder / "sys"), notes=str(tree.notes))
    argv = kept_command(("cat", str(tree.sysctl)), run_as=RunAs.SELF, places=places).argv
    assert start(argv).communicate(timeout=120)[0] == b"2\n"


def test_a_command_that_reads_nothing_ends_before_the_pipe(tree: Tree) -> None:
    process = start(tree.argv("true"))
    assert process.wait(120) == 0
    assert tree.value == "2"


@pytest.mark.skipif(not can_mount(), reason="no name spaces can be made here")
def test_a_real_sysctl_is_held_and_put_back(tmp_path: Path) -> None:
    """Use one that a name space has to itself; real ones can be read only in one go."""
    name = "kernel/msgmni"
    held = ("sh", keeper_script(), "/proc/sys", str(tmp_path), f"{name}=123", "--")
    script = f'cat /proc/sys/{name}; "$@" cat /proc/sys/{name}; cat /proc/sys/{name}'
    process = start(("unshare", "--ipc", "sh", "-c", script, "sh", *held))
    said, told = process.communicate(timeout=120)
    before, during, after = said.decode("ascii").split()
    assert during == "123"
    assert before == after != "123"
    assert f"{name} was {before}, is 123" in told.decode("ascii")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_script_passes_shellcheck() -> None:
    with Popen(["shellcheck", keeper_script()], stdout=PIPE) as process:
        said, _ = process.communicate()
    assert said == b""
