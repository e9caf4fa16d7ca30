"""Nothing of a command stays behind: not after its end, a time limit, Ctrl-C, or our own SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251  starts a second Python to be killed
import sys
import time
from pathlib import Path

import pytest

from pkgafdo import files
from pkgafdo.errors import CommandError
from pkgafdo.runner import sessions
from pkgafdo.runner.command import Command

pytestmark = pytest.mark.real

TREE = (
    "sleep 300 & echo $! >> pids; (sleep 300 & echo $! >> pids; exec sleep 300) & echo $! >> pids"
)
"""Starts a child, a grandchild and the grandchild's parent, and writes their numbers down."""

PARENT = """
import sys
from pathlib import Path
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
folder = Path(sys.argv[1])
runner = LocalRunner(env={"PATH": sys.argv[3]}, logs=folder / "logs", running=folder / "running")
try:
    runner.run(Command(argv=("sh", "-c", sys.argv[2]), cwd=folder, log="work"))
except KeyboardInterrupt:
    sys.exit(130)
"""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie that nobody has reaped yet does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def wait_until(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def pids(folder: Path, count: int) -> list[int]:
    wait_until(lambda: len(read(folder)) == count)
    return read(folder)


def read(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def parent(tmp_path):
    """Start another Python that runs a script through a runner; returns it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(script: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", PARENT, str(tmp_path), script, os.environ["PATH"]]
        started.append(subprocess.Popen(argv))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
    sessions.end_orphans(tmp_path / "running")


@pytest.mark.parametrize("log", [None, "tree"])
def test_what_a_finished_command_leaves_in_the_background_is_ended(runner, tmp_path, log) -> None:
    script = f"exec >/dev/null 2>&1; {TREE}; while [ $(wc -l < pids) -lt 3 ]; do sleep 0.02; done"
    assert runner.run(Command(argv=("sh", "-c", script), cwd=tmp_path, log=log)).returncode == 0
    assert [pid for pid in pids(tmp_path, 3) if is_alive(pid)] == []


@pytest.mark.parametrize("log", [None, "tree"])
def test_a_time_limit_ends_all_descendants(runner, tmp_path, log) -> None:
    command = Command(argv=("sh", "-c", f"{TREE}; wait"), cwd=tmp_path, timeout=1, log=log)
    with pytest.raises(CommandError, match="ran longer"):
        runner.run(command)
    assert [pid for pid in pids(tmp_path, 3) if is_alive(pid)] == []


def test_what_ignores_sigterm_is_killed(tmp_path) -> None:
    script = "trap '' TERM; echo $$ > pids; while :; do sleep 0.1; done"
    process = subprocess.Popen(["sh", "-c", script], cwd=tmp_path, start_new_session=True)
    (pid,) = pids(tmp_path, 1)
    started = time.monotonic()
    sessions.end(process.pid, grace=0.3)
    assert 0.3 <= time.monotonic() - started < 10
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not is_alive(pid)


def test_what_obeys_sigterm_may_clean_up(tmp_path) -> None:
    script = "trap 'echo clean > done; exit' TERM; echo $$ > pids; while :; do sleep 0.05; done"
    process = subprocess.Popen(["sh", "-c", script], cwd=tmp_path, start_new_session=True)
    pids(tmp_path, 1)
    sessions.end(process.pid)
    process.wait()
    assert (tmp_path / "done").read_text() == "clean\n"


def test_a_command_in_progress_is_written_down_and_struck_out_afterwards(runner, tmp_path) -> None:
    seen: list[dict[str, object]] = []

    def on_line(line: str) -> None:
        (path,) = (tmp_path / "running").glob("*.json")
        seen.append(files.read_json(path))

    runner.run(Command(argv=("sh", "-c", "echo $$"), log="x"), on_line=on_line)
    assert seen[0]["command"] == "sh -c 'echo $$'"
    assert list((tmp_path / "running").iterdir()) == []


def test_ctrl_c_ends_the_command_and_leaves_nothing(parent, tmp_path) -> None:
    process = parent(f"{TREE}; wait")
    started = pids(tmp_path, 3)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert [pid for pid in started if is_alive(pid)] == []
    assert list((tmp_path / "running").iterdir()) == []


def test_what_a_killed_run_left_working_is_ended_by_the_next(parent, tmp_path) -> None:
    process = parent(f"{TREE}; wait")
    started = pids(tmp_path, 3)
    wait_until(lambda: any((tmp_path / "running").glob("*.json")))
    process.kill()
    process.wait()
    assert [pid for pid in started if is_alive(pid)] == started
    (ended,) = sessions.end_orphans(tmp_path / "running")
    assert ended.startswith("sh -c ")
    assert "sleep 300" in ended
    assert [pid for pid in started if is_alive(pid)] == []
    assert list((tmp_path / "running").iterdir()) == []


def test_orphans_are_ended_even_when_their_leader_has_died(parent, tmp_path) -> None:
    process = parent("sleep 300 & echo $! > pids; exit")
    (orphan,) = pids(tmp_path, 1)
    wait_until(lambda: any((tmp_path / "running").glob("*.json")))
    (record,) = (tmp_path / "running").glob("*.json")
    process.kill()
    process.wait()
    wait_until(lambda: not is_alive(int(record.stem)))
    assert is_alive(orphan)
    assert len(sessions.end_orphans(tmp_path / "running")) == 1
    assert not is_alive(orphan)


@pytest.mark.parametrize("change", [{"start_time": "1"}, {"boot": "an earlier one"}])
def test_a_stranger_with_a_recorded_number_is_left_alone(tmp_path, change) -> None:
    """After a reboot, or once numbers have come round, a recorded number may be anybody's."""
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        path = sessions.record(tmp_path / "running", stranger.pid, "make")
        files.write_json(path, files.read_json(path) | change)
        assert sessions.end_orphans(tmp_path / "running") == []
        assert stranger.poll() is None
        assert not path.exists()
    finally:
        stranger.kill()
        stranger.wait()
