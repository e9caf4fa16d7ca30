"""Killed, interrupted, started twice, started again with another setting: on the toy kernel."""

from __future__ import annotations

import os
import shutil
import signal
import tarfile
from typing import TYPE_CHECKING

import pytest

from pkgafdo.files import read_json
from pkgafdo.host.users import require_builder
from pkgafdo.workflows.session import scratch_folder
from tests.fakes.toy_kernel import HOLD, KERNEL_C, RELEASE, make_toy
from tests.integration.cli.program import (
    Pkgafdo,
    Started,
    finished,
    half_written,
    processes_of,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

ALL = {"source", "build-baseline", "install-baseline"}


def build_log(work: Path) -> str:
    """Return what make and makepkg have said so far."""
    path = work / "logs/build-baseline.log"
    return path.read_text() if path.exists() else ""


def start_and_hold(pkgafdo: Pkgafdo, toy: Path, work: Path) -> Started:
    """Start a build and leave it in its middle, where it stays until `hold` is removed."""
    (toy.parent / HOLD).touch()
    started = pkgafdo.start("build", "--json", "--source", toy, "-w", work)
    started.wait_until(lambda: "  CC      early.o" in build_log(work), "it compiles")
    assert list((work / "running").glob("*.json"))
    return started


def release(toy: Path) -> None:
    """Let builds go on."""
    (toy.parent / HOLD).unlink()


def require_whole(pkgafdo: Pkgafdo, toy: Path, work: Path) -> str:
    """Start again; everything must be there afterwards. Returns what was said."""
    ended = pkgafdo.run("build", "--json", "--source", toy, "-w", work)
    data = ended.data()
    assert data["baseline"]["release"] == RELEASE
    assert len(data["baseline"]["packages"]) == 3
    assert finished(work) == ALL
    assert not list((work / "running").glob("*"))
    assert half_written(work) == []
    return ended.stderr


@pytest.fixture(scope="module")
def whole(shared_folder: Path) -> tuple[Pkgafdo, Path, Path]:
    """A finished build; each test leaves it finished again."""
    pkgafdo, toy = Pkgafdo(folder=shared_folder), make_toy(shared_folder / "src/linux")
    require_whole(pkgafdo, toy, shared_folder / "work")
    return pkgafdo, toy, shared_folder / "work"


def test_killed_while_it_builds_it_ends_the_orphans_and_goes_on(pkgafdo, toy, folder):
    work = folder / "work"
    started = start_and_hold(pkgafdo, toy, work)
    assert started.signal(signal.SIGKILL).code == -signal.SIGKILL
    assert finished(work) == {"source"}
    assert read_json(work / "command.json")["words"] == ["--source", str(toy)]
    orphans = list(processes_of(work))
    assert [line for line in orphans if line.startswith("make ")]
    release_later = pkgafdo.start("build", "--json", "--source", toy, "-w", work)
    release_later.wait_until(
        lambda: "ended what an interrupted run had left working: " in release_later.stderr,
        "it ends the orphans",
    )
    release(toy)
    ended = release_later.wait()
    assert ended.data()["baseline"]["release"] == RELEASE
    assert "1/3 get the kernel source: done in 0 s" in ended.stderr
    # What was compiled before the kill is not compiled again.
    assert build_log(work).count("  CC      early.o") == 1
    assert list(processes_of(work)) == []
    require_whole(pkgafdo, toy, work)


def test_ctrl_c_ends_everything_and_the_same_command_goes_on(pkgafdo, toy, folder):
    work = folder / "work"
    ended = start_and_hold(pkgafdo, toy, work).signal(signal.SIGINT)
    assert ended.code == 130
    assert ended.stdout == ""
    assert "interrupted; the same command goes on from here" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(processes_of(work)) == []
    assert not list((work / "running").glob("*"))
    assert finished(work) == {"source"}
    release(toy)
    require_whole(pkgafdo, toy, work)
    assert build_log(work).count("  CC      early.o") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_asked_to_end_it_ends_its_programs_as_after_ctrl_c(pkgafdo, toy, folder, number):
    work = folder / "work"
    ended = start_and_hold(pkgafdo, toy, work).signal(number)
    assert ended.code == 130
    assert list(processes_of(work)) == []
    assert not list((work / "running").glob("*"))


def test_two_runs_in_one_work_folder_the_second_is_refused(pkgafdo, toy, folder):
    work = folder / "work"
    first = start_and_hold(pkgafdo, toy, work)
    refusal = pkgafdo.run("build", "--json", "--source", toy, "-w", work).refusal(2)
    assert refusal.message == f"another run is at work in {work}"
    assert refusal.details == f"Its process id is {first.process.pid}."
    assert "--workdir" in refusal.hint
    # Looking is allowed meanwhile, and disturbs nothing.
    assert set(pkgafdo.run("status", "--json", "-w", work).data()["seconds"]) == {"source"}
    pkgafdo.run("plan", "--json", "--source", toy, "-w", work).data()
    release(toy)
    assert first.wait().data()["baseline"]["release"] == RELEASE


def test_killed_while_it_installs_it_goes_on(folder, toy):
    work = folder / "work"
    (folder / "bin").mkdir()
    pacman = folder / "bin/pacman"
    pacman.write_text(
        '#!/bin/sh\ncase $* in *--help*) ;; *-U*) while [ -e "$0.hold" ]; do sleep 0.05; done;; esac\n'
        'exec /usr/bin/pacman "$@"\n'
    )
    pacman.chmod(0o755)
    hold = folder / "bin/pacman.hold"
    hold.touch()
    pkgafdo = Pkgafdo(folder=folder, path=f"{folder}/bin:/usr/local/bin:/usr/bin:/bin")
    started = pkgafdo.start("build", "--json", "--source", toy, "-w", work)
    started.wait_until(lambda: any((work / "running").glob("*.json")) and any(
        "pacman -U" in line for line in processes_of(work)), "it installs")  # fmt: skip
    started.signal(signal.SIGKILL)
    assert finished(work) == {"source", "build-baseline"}
    hold.unlink()
    said = require_whole(pkgafdo, toy, work)
    assert "2/3 build the baseline kernel and its packages: done in" in said
    wait_until(lambda: not list(processes_of(work)), "no orphan is left", 5)


def test_a_second_complete_build_does_nothing_and_says_why(whole):
    pkgafdo, toy, work = whole
    before = state_of(work)
    said = require_whole(pkgafdo, toy, work)
    assert said.count("nothing it depends on has changed") == len(ALL)
    assert state_of(work) == before


def test_a_work_folder_is_the_same_however_it_is_spelled(whole):
    pkgafdo, toy, work = whole
    (work.parent / "link").symlink_to(work)
    for spelled in ("../work", work.parent / "link"):  # pkgafdo is started in its home beside
        ended = pkgafdo.run("build", "--json", "--source", toy, "-w", spelled)
        assert ended.stderr.count("nothing it depends on has changed") == len(ALL)
        assert ended.data()["workdir"] == str(work)


def state_of(work: Path) -> dict[str, int]:
    """Return when each file of a run was written, without those of every start."""
    fresh = {"lock", "result.json", "report.txt"}
    return {
        str(path): path.stat().st_mtime_ns
        for path in work.rglob("*")
        if path.is_file() and path.name not in fresh
    }


def test_a_change_redoes_only_what_depends_on_it_and_says_so(pkgafdo, toy, folder):
    work = folder / "work"
    require_whole(pkgafdo, toy, work)
    again = ("build", "--source", toy, "-w", work)

    indifferent = pkgafdo.run(*again, "--set", "build.jobs=1", "--set", "vm.memory=512")
    assert indifferent.stderr.count("nothing it depends on has changed") == len(ALL)

    renamed = pkgafdo.run(*again, "--json", "--set", "kernel.localversion=-mine")
    assert renamed.data()["baseline"]["release"] == "7.2.13-mine-base"
    assert "(kernel.localversion changed: -pkgafdo-base → -mine-base)" in renamed.stderr
    assert renamed.stderr.count("nothing it depends on has changed") == 1

    # The packages of before are the run's no longer, and the new ones are.
    names = [path.name for path in (work / "packages/baseline").glob("*.zst")]
    assert len(names) == 3
    assert all("7.2.13_mine_base" in name for name in names)


def test_a_changed_source_is_seen_and_an_equal_result_reinstalls_nothing_else(pkgafdo, toy, folder):
    work = folder / "work"
    require_whole(pkgafdo, toy, work)
    before = read_json(work / "journal/build-baseline.json")["facts"]["build_id"]
    (toy / "kernel.c").write_text(KERNEL_C.replace("at * x", "at * x * 3"))
    ended = pkgafdo.run("build", "--json", "--source", toy, "-w", work)
    assert ended.data()["baseline"]["build_id"] != before
    assert "get the kernel source (digest changed: " in ended.stderr


def pack(toy: Path) -> Path:
    """Put a toy kernel into a tarball, in the place of an earlier one."""
    path = toy.parent / "linux.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(toy, arcname="linux")
    return path


def test_a_replaced_tarball_is_seen(pkgafdo, toy, folder):
    work = folder / "work"
    tarball = pack(toy)
    require_whole(pkgafdo, tarball, work)
    said = require_whole(pkgafdo, tarball, work)
    assert said.count("nothing it depends on has changed") == len(ALL)
    before = read_json(work / "journal/build-baseline.json")["facts"]["build_id"]
    (toy / "kernel.c").write_text(KERNEL_C.replace("at * x", "at * x * 3"))
    pack(toy)
    ended = pkgafdo.run("build", "--json", "--source", tarball, "-w", work)
    assert ended.data()["baseline"]["build_id"] != before
    assert "get the kernel source (digest changed: " in ended.stderr


@pytest.mark.parametrize(
    ("victim", "reason"),
    [
        ("journal/install-baseline.json", "3/3 install"),
        ("root/usr/src/debug/linux-pkgafdo-base/vmlinux", "(vmlinux is missing)"),
        ("packages/baseline.config", "(baseline.config is missing)"),
    ],
)
def test_what_was_lost_is_made_again(whole, victim, reason):
    pkgafdo, toy, work = whole
    (work / victim).unlink()
    assert reason in require_whole(pkgafdo, toy, work)
    assert (work / victim).is_file()


def test_a_damaged_journal_entry_costs_that_stage_only(whole):
    pkgafdo, toy, work = whole
    (work / "journal/install-baseline.json").write_text('{"format": 1, "sta')
    said = require_whole(pkgafdo, toy, work)
    assert "warning: the journal entry" in said
    assert said.count("nothing it depends on has changed") == 2


def test_a_private_work_folder_is_built_for_where_the_build_user_can_get_to(
    pkgafdo, toy, folder, tmp_path
):
    if os.geteuid() != 0:
        pytest.skip("only root has a build user")
    work = tmp_path / "work"
    assert tmp_path.stat().st_mode & 0o077 == 0
    scratch = scratch_folder(work, require_builder(0))
    assert not scratch.is_relative_to(tmp_path)
    try:
        require_whole(pkgafdo, toy, work)
        assert (scratch / "baseline/objects/vmlinux").is_file()
        assert not (work / "scratch").exists()
        # The same work folder always has the same scratch: nothing is built twice.
        (work / "journal/build-baseline.json").unlink()
        require_whole(pkgafdo, toy, work)
        assert build_log(work).count("  CC      kernel.o") == 1
    finally:
        shutil.rmtree(scratch)


def test_dry_run_shows_the_commands_and_leaves_no_trace(pkgafdo, toy, folder):
    work = folder / "work"
    plan = pkgafdo.run("run", "--dry-run", "--json", "--source", toy, "-w", work).data()
    commands = {stage["stage"]: stage["commands"] for stage in plan["stages"]}
    assert [line for line in commands["build-baseline"] if line.endswith(" pacman-pkg")]
    assert all(stage["verdict"] == "run" and stage["reason"] for stage in plan["stages"])
    assert not work.exists()
