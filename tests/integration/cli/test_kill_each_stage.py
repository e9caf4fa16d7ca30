"""The whole job on the toy kernel with a toy for QEMU: killed in each stage, and then looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.spine import Spine
from tests.fakes import toy_qemu
from tests.fakes.toy_kernel import NOTES_C, make_toy
from tests.integration import tiny_kernel
from tests.integration.cli.program import Pkgafdo, finished, half_written, processes_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def spine(shared_folder: Path) -> Spine:
    """A work folder whose run was killed in each stage that is long enough, and then finished."""
    tree = make_toy(shared_folder / "src/linux", source=NOTES_C + tiny_kernel.source())
    qemu = f"vm.qemu={toy_qemu.install(shared_folder / 'bin')}"
    return Spine(
        pkgafdo=Pkgafdo(folder=shared_folder),
        work=shared_folder / "work",
        arguments=("--source", tree, "--set", qemu),
        compiled=1,
        pace=0.1,
    )


def test_a_run_that_is_killed_in_every_stage_still_comes_to_its_end(spine):
    spine.kill_inside_each()
    assert [kill.stage for kill in spine.kills] == spine.stages()
    hit = {kill.stage for kill in spine.kills if kill.hit}
    assert hit >= {"build-baseline", "record", "build-optimised", "measure-train-baseline"}
    assert any(kill.orphans for kill in spine.kills)
    data = spine.run().data()
    assert data["optimised"]["release"] == data["kernel"]["release"] == "7.2.13-pkgafdo"
    assert finished(spine.work) == set(spine.stages())
    spine.require_no_orphans()
    assert list(processes_of(spine.work)) == []


def test_the_verbs_go_as_far_as_they_say(spine):
    last = {verb: spine.stages(verb)[-1] for verb in ("build", "record", "convert", "rebuild")}
    assert last == {
        "build": "install-baseline",
        "record": "record",
        "convert": "convert",
        "rebuild": "verify",
    }
    assert [*spine.stages("measure"), "record-optimised"] == spine.stages("run")


def test_a_recording_that_comes_out_the_same_rebuilds_nothing(spine):
    (spine.work / "journal/record.json").unlink()
    ended = spine.run()
    assert ended.code == 0
    done = ended.stderr.count("nothing it depends on has changed")
    assert done == len(spine.stages()) - 1


def test_a_profile_that_is_too_thin_stops_before_the_second_build_and_a_plain_run_mends_it(spine):
    before = spine.run().data()
    left_by_kills = half_written(spine.work)
    refusal = spine.run("run", "--set", "profile.min_functions=100000").refusal(5)
    assert refusal.message == "The profile is too thin to build a kernel with"
    numbers = f"it names {before['profile']['functions']} functions (100000 are needed)"
    assert numbers in refusal.details
    assert "convert" not in finished(spine.work)
    assert half_written(spine.work) == left_by_kills
    after = spine.run()
    assert after.data()["profile"]["sha256"] == before["profile"]["sha256"]
    assert after.stderr.count("nothing it depends on has changed") == len(spine.stages()) - 1


def test_another_workload_records_again_and_says_why(spine):
    ended = spine.run("record", "--set", "workload.command=ls /")
    assert ended.code == 0
    (line,) = [line for line in ended.stderr.splitlines() if "record branches of “own”" in line]
    assert "changed: " in line


def test_verify_looks_at_the_files_as_they_are_now(spine):
    data = spine.run().data()
    words = ("verify", "--json", "-w", spine.work)
    assert all(check["ok"] for check in spine.pkgafdo.run(*words).data())
    vmlinux = data["baseline"]["vmlinux"]
    ended = spine.pkgafdo.run("verify", "--vmlinux", vmlinux, "--profile", data["profile"]["path"])
    assert ended.code == 5
    assert "was not built with that profile" in ended.stderr
