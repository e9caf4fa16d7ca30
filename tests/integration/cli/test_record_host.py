"""`pkgafdo record --host` with a replaying perf: the whole way from the command line to the table."""

from __future__ import annotations

import os
import pty
import signal
import time
from dataclasses import replace
from pathlib import Path
from subprocess import Popen  # noqa: TID251  the runner gives no terminal

import pytest

from pkgafdo.branches.store import read_table
from pkgafdo.host.running import running_kernel
from tests.fakes import perf_files as pf
from tests.fakes import perf_program
from tests.fakes.perf_program import Behaviour, calls, install_perf
from tests.integration.cli.program import Pkgafdo, Started, processes_of, wait_until
from tests.unit import elf_files

pytestmark = [
    pytest.mark.real,
    pytest.mark.usefixtures("own_network"),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="perf runs as root: no password can be given here"
    ),
]

NAME = "fake/branches/k"
EVENT = ("--set", f"record.event={NAME}")


@pytest.fixture
def bin_folder(folder: Path) -> Path:
    return folder / "bin"


@pytest.fixture
def host(folder: Path, bin_folder: Path) -> Pkgafdo:
    """The command line on a machine whose perf replays."""
    found = Pkgafdo(folder=folder)
    return replace(found, path=f"{bin_folder}:{found.path}")


def test_a_time_gives_a_table_of_the_running_kernel(
    host: Pkgafdo, folder: Path, bin_folder
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "host.parquet"
    ended = host.run("record", "--host", "--seconds", "1", "-o", output, "--json", *EVENT)
    data = ended.data()
    table = read_table(output)
    assert data["path"] == str(output)
    assert data["samples"] == table.meta.samples > 50
    assert data["event"] == NAME
    assert data["build_id"] == running_kernel().build_id
    assert data["extra"]["workload"] == "using the machine"
    assert data["interrupted"] is False
    probe, recording = [argv for argv in calls(bin_folder) if argv[0] == "record"]
    assert probe[-4:] == ["-c", "10007", "-o", "-"]
    assert recording == ["record", "-e", NAME, "-b", "-a", "-N", "-c", "500009", "-o", "-"]


def test_a_command_runs_with_the_user_s_environment_and_words(
    host: Pkgafdo, folder: Path, bin_folder
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    script = 'echo "said $CFLAGS $1"; sleep 0.3'
    ended = host.run(
        "record", "--host", "-o", folder / "t.parquet", "--json", *EVENT,
        "--", "sh", "-c", script, "sh", "a b",
    )  # fmt: skip
    assert ended.data()["extra"]["workload"] == f"sh -c {script} sh a b"
    assert "said -Ofast -march=native a b" in ended.stderr


def test_ctrl_c_ends_it_and_keeps_the_table(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "host.parquet"
    started = host.start("record", "--host", "-o", output, "--json", *EVENT)
    started.wait_until(lambda: "Ctrl-C ends it" in started.stderr, "it records")
    started.wait_until(lambda: len(calls(bin_folder)) == 3, "perf is at work")
    ended = started.signal(signal.SIGINT)
    assert ended.data()["interrupted"] is True
    assert read_table(output).meta.samples >= 50
    assert list(processes_of(bin_folder)) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_keeps_the_table_and_says_so(
    host: Pkgafdo, folder: Path, bin_folder, number: signal.Signals
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "host.parquet"
    started = host.start("record", "--host", "-o", output, *EVENT)
    started.wait_until(lambda: len(calls(bin_folder)) == 3, "perf is at work")
    time.sleep(0.5)
    ended = started.signal(number)
    assert ended.code == 130
    said = ended.stderr.splitlines()[-1]
    assert said == f"pkgafdo: interrupted; the recording so far is kept in {output}"
    assert read_table(output).meta.samples >= 50
    assert list(processes_of(bin_folder)) == []


def test_a_terminal_that_is_closed_leaves_the_table(
    host: Pkgafdo, folder: Path, bin_folder
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "host.parquet"
    (host.cache / "pkgafdo").mkdir(parents=True)
    ours, theirs = pty.openpty()
    started = Started(
        process=Popen(
            ["setsid", "--ctty", *host.command("record", "--host", "-o", output, *EVENT)],
            cwd=folder, env=dict(os.environ) | {"PATH": host.path, "HOME": str(folder)},
            stdin=theirs, stdout=theirs, stderr=theirs,
        ),
        folder=folder,
    )  # fmt: skip
    os.close(theirs)
    started.wait_until(lambda: len(calls(bin_folder)) == 3, "perf is at work")
    time.sleep(0.5)
    os.close(ours)
    assert started.process.wait(60) == 130
    assert read_table(output).meta.samples >= 50
    assert list(processes_of(bin_folder)) == []


def test_ctrl_c_before_it_records_promises_nothing(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    started = host.start("record", "--host", "-o", folder / "host.parquet", *EVENT)
    started.wait_until(lambda: len(calls(bin_folder)) == 2, "it probes")
    ended = started.signal(signal.SIGINT)
    assert ended.code == 130
    assert ended.stderr.splitlines()[-1] == "pkgafdo: interrupted"
    assert not (folder / "host.parquet").exists()


def test_a_killed_recorder_leaves_no_perf_at_work(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "host.parquet"
    started = host.start("record", "--host", "-o", output, *EVENT)
    started.wait_until(lambda: len(calls(bin_folder)) == 3, "perf is at work")
    started.signal(signal.SIGKILL)
    wait_until(lambda: not list(processes_of(bin_folder)), "perf has ended", 120)
    assert not output.exists()


def test_a_failing_command_leaves_a_marked_table(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "host.parquet"
    words = ("record", "--host", "-o", output, *EVENT)
    ended = host.run(*words, "--", "sh", "-c", "sleep 0.2; exit 9")
    refusal = ended.refusal(4)
    assert refusal.message == "the recording is kept, and marked as not to be used"
    assert "failed with exit code 9" in refusal.details
    assert str(output) in refusal.hint
    assert "exit code 9" in read_table(output).meta.extra["faults"]
    read = ("branches", "read", output, "-o", folder / "again.parquet")
    assert "failed with exit code 9" in host.run(*read).refusal(5).details
    assert host.run(*read, "--allow-failed").code == 0
    assert host.run("branches", "read", folder / "again.parquet", "-o", output).code == 0
    output.unlink()
    again = host.run(
        *words, "--set", "record.use_failed=true", "--json", "--", "sh", "-c", "sleep 0.2; exit 9"
    )
    assert again.data()["samples"] > 0
    assert "used although" in again.stderr


def test_lost_samples_above_the_share_speak_against_a_recording(
    host: Pkgafdo, folder: Path, bin_folder
) -> None:
    # As many lost as there are samples, again and again.
    install_perf(
        bin_folder, Behaviour(events=[NAME]), samples=[*perf_program.stacks(50), pf.lost(50)]
    )
    words = ("record", "--host", "--seconds", "1", "-o", folder / "t.parquet", *EVENT)
    refusal = host.run(*words).refusal(4)
    assert "50% of its samples were lost (10% are allowed)" in refusal.details
    (folder / "t.parquet").unlink()
    assert host.run(*words, "--set", "record.max_lost=0.6").code == 0


def test_a_perf_that_dies_leaves_a_marked_table(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    output = folder / "t.parquet"
    started = host.start("record", "--host", "-o", output, *EVENT)
    started.wait_until(lambda: len(calls(bin_folder)) == 3, "perf is at work")
    kill_perf(bin_folder)
    refusal = started.wait().refusal(4)
    assert "it broke off" in refusal.details
    assert read_table(output).meta.samples > 0


def kill_perf(bin_folder: Path) -> None:
    """Kill the replaying perf alone, once it has served something, as the kernel does without memory."""
    time.sleep(0.5)
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if len(words) > 1 and words[1] == str(bin_folder / "perf").encode():
            os.kill(int(place.name), signal.SIGKILL)


def test_two_recorders_at_once_are_refused(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    first = host.start("record", "--host", "-o", folder / "1.parquet", *EVENT)
    first.wait_until(lambda: len(calls(bin_folder)) == 3, "perf is at work")
    refusal = host.run("record", "--host", "-o", folder / "2.parquet", *EVENT).refusal(3)
    assert refusal.message == "another pkgafdo is recording on this machine"
    assert str(first.process.pid) in refusal.details
    first.signal(signal.SIGINT)
    assert (folder / "1.parquet").exists()
    assert not (folder / "2.parquet").exists()


def test_a_machine_that_gives_no_stacks_is_refused(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder)
    output = folder / "t.parquet"
    refusal = host.run("record", "--host", "--seconds", "1", "-o", output, *EVENT).refusal(3)
    assert refusal.message == "this CPU, or this virtual machine, cannot record branches"
    assert "doesn't support branch stack sampling" in refusal.details
    assert 'record.road = "vm"' in refusal.hint
    assert not output.exists()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("perf version 4.14.2", "too old"),
        ("WARNING: perf not found for kernel 6.8.0-40", "does not work"),
    ],
)
def test_a_perf_that_cannot_do_it_is_refused(
    host: Pkgafdo, folder: Path, bin_folder, version: str, message: str
) -> None:
    install_perf(bin_folder, Behaviour(version=version, events=[NAME]))
    refusal = host.run("record", "--host", "-o", folder / "t.parquet", *EVENT).refusal(3)
    assert message in refusal.message
    assert "Debian: linux-perf" in refusal.hint


def test_the_kept_perf_data_counts_the_same(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    words = ("record", "--host", "--seconds", "1", "-o", folder / "t.parquet", "--keep-perf-data")
    made = host.run(*words, "--json", *EVENT).data()
    read = host.run("branches", "info", folder / "t.perf.data", "--json").data()
    assert read["samples"] == made["samples"]
    assert read["branches"] == made["branches"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seconds", "5"), "--seconds: only with --host or --vm"),
        (("--", "make"), "“make” is a command to record: `pkgafdo record --host -- make`"),
        (("--host", "--dry-run"), "record at once"),
        (("--host", "--seconds", "0"), "--seconds"),
    ],
)
def test_options_that_do_not_go_together_are_refused(host: Pkgafdo, words, message: str) -> None:
    ended = host.run("record", *words)
    assert ended.code == 2
    assert message in ended.stderr


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_recorded(
    host: Pkgafdo, folder: Path, bin_folder
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    refusal = host.run("record", "--host", "-o", folder / "no/t.parquet", *EVENT).refusal(2)
    assert "cannot be written" in refusal.message
    assert calls(bin_folder) == []


@pytest.mark.parametrize("there", ["host.parquet", "host.perf.data"])
def test_a_recording_is_never_overwritten(
    host: Pkgafdo, folder: Path, bin_folder, there: str
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    (folder / there).write_text("hours of work")
    words = ("record", "--host", "-o", folder / "host.parquet", "--keep-perf-data", *EVENT)
    refusal = host.run(*words).refusal(2)
    assert refusal.message == f"{folder / there} is there already; no recording is overwritten"
    assert "--output" in refusal.hint
    assert (folder / there).read_text() == "hours of work"
    assert calls(bin_folder) == []


@pytest.mark.parametrize("command", ["nosuchcmd", "./nosuchcmd", "cd"])
def test_a_command_that_is_no_program_is_refused_before_anything_is_recorded(
    host: Pkgafdo, folder: Path, bin_folder, command: str
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    words = ("record", "--host", "-o", folder / "t.parquet", *EVENT, "--", command, "x")
    refusal = host.run(*words).refusal(3)
    assert refusal.message == f"there is no program {command}"
    assert "sh -c" in refusal.hint
    assert calls(bin_folder) == []


def test_a_vmlinux_of_another_kernel_is_refused(host: Pkgafdo, folder: Path, bin_folder) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    vmlinux = folder / "vmlinux"
    vmlinux.write_bytes(elf_files.vmlinux())
    words = ("record", "--host", "-o", folder / "t.parquet", "--vmlinux", vmlinux)
    refusal = host.run(*words, *EVENT).refusal(5)
    assert "is not the kernel that runs" in refusal.message
