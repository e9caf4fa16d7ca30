"""Which steps a run has, and what becomes of their failures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.runner.command import Command, Result
from tests.fakes.runner import FakeRunner
from tests.modern.place import Place
from tests.modern.steps import (
    TESTS_OF_ROOT,
    TESTS_THAT_DIFFER,
    Step,
    bring_kernel,
    choose,
    pytest_step,
    quickstart_note,
    quickstart_step,
    run_step,
    steps_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What is said on the terminal."""
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def names(**options: bool) -> list[str]:
    return [step.name for step in steps_of(**options)]


def test_the_short_form_builds_no_kernel_whatever_was_asked_for():
    assert names(short=True, kernel=True, kernels=True) == [
        "unit tests",
        "integration tests, short form",
        "scripts/setup as root",
        "integration tests as root",
        "VM, a kernel built before",
    ]


def test_what_the_short_form_and_root_run_is_there():
    checkout = Path(__file__).parents[3]
    for name in (*TESTS_THAT_DIFFER, *TESTS_OF_ROOT):
        assert (checkout / name).exists(), name


def test_the_whole_form_reads_the_types_with_the_packages_of_that_python():
    assert "types" in names(short=False, kernel=False, kernels=False)


def test_the_whole_form_ends_with_the_quick_start_unless_it_is_left_out():
    assert names(short=False, kernel=False, kernels=True)[-1] == "scripts/quickstart"
    assert "scripts/quickstart" not in names(short=False, kernel=True, kernels=False)


def test_the_quick_start_builds_a_third_kernel_when_asked():
    plain, laid_out = quickstart_step(propeller=False), quickstart_step(propeller=True)
    assert plain.name == laid_out.name
    assert "--propeller" not in plain.argv
    assert laid_out.argv[-1] == "--propeller"


@pytest.mark.parametrize(
    ("branches", "note"),
    [
        ({"baseline": 200, "optimised": 120}, "AutoFDO −40.0% taken branches"),
        (
            {"baseline": 200, "optimised": 120, "propeller": 101},
            "AutoFDO −40.0%, Propeller −49.5% taken branches",
        ),
    ],
)
def test_the_quick_starts_outcome_names_the_compiler_and_what_each_kernel_did_less_of(
    branches, note
):
    result = {
        "kernel": {"version": "7.3.4"},
        "optimised": {"compiler": "clang 22.1.8"},
        "measure": {"heldout": {"taken_branches": branches}},
    }
    assert quickstart_note(result) == f"Linux 7.3.4 by clang 22.1.8: {note}"


def test_a_quick_start_always_begins_anew(tmp_path):
    place = Place(suite="sid", folder=tmp_path)
    work = place.root / "home/user/work"
    work.mkdir(parents=True)
    runner = FakeRunner(answers={"unshare": Result(returncode=4)})
    (work / "result.json").touch()
    assert not run_step(runner, place, quickstart_step(propeller=False), {}).ok
    assert not work.exists()


def test_single_steps_can_be_chosen_and_unknown_ones_are_refused():
    steps = steps_of(short=True, kernel=False, kernels=False)
    assert [step.name for step in choose(steps, ["unit tests"])] == ["unit tests"]
    assert choose(steps, None) == steps
    with pytest.raises(ConfigError, match="no step “lint”") as caught:
        choose(steps, ["lint"])
    assert "unit tests, integration tests, short form" in caught.value.hint


def test_a_step_that_fails_is_reported_and_does_not_end_the_run(tmp_path, said):
    runner = FakeRunner(answers={"unshare": Result(returncode=3, stderr="pacman: not there\n")})
    place = Place(suite="sid", folder=tmp_path)
    outcome = run_step(runner, place, Step(name="setup", argv=("scripts/setup",)), {})
    assert not outcome.ok
    assert "pacman: not there" in said.getvalue()


@pytest.mark.parametrize("report", [None, "<testsuites/>"])
def test_tests_that_were_not_run_have_not_passed(tmp_path, report):
    place = Place(suite="sid", folder=tmp_path)
    (place.root / "home/user").mkdir(parents=True)

    def run(command: Command) -> Result:
        if report is not None:
            (place.root / "home/user/unit-tests.xml").write_text(report)
        return Result(returncode=0)

    step = pytest_step("unit tests", "tests/unit")
    assert not run_step(FakeRunner(answers={"unshare": run}), place, step, {}).ok


def test_a_folder_without_a_finished_run_is_no_kernel(tmp_path):
    place = Place(suite="sid", folder=tmp_path)
    with pytest.raises(ArtifactError, match="no work folder of a finished run"):
        bring_kernel(place, tmp_path)
    files.write_json(tmp_path / "result.json", {"pkgafdo": "1"})
    with pytest.raises(ArtifactError, match="no work folder of a finished run"):
        bring_kernel(place, tmp_path)


def test_a_kernel_is_brought_with_its_modules_but_not_its_sources(tmp_path):
    release = "7.2.13-base"
    run, place = tmp_path / "run", Place(suite="sid", folder=tmp_path / "sid")
    (place.root / "home/user").mkdir(parents=True)
    modules = run / "root/usr/lib/modules" / release
    (modules / "kernel/fs").mkdir(parents=True)
    (modules / "kernel/fs/ext4.ko").touch()
    (modules / "build").symlink_to("/nowhere")
    for name in ("vmlinux", "bzImage"):
        (run / name).write_text(name)
    kernel = {
        "image": str(run / "bzImage"),
        "vmlinux": str(run / "vmlinux"),
        "root": str(run / "root"),
        "release": release,
        "build_id": "ab" * 20,
    }
    result = {"baseline": kernel, "recording": {"branches": 5}}
    files.write_json(run / "result.json", result)
    bring_kernel(place, run)
    brought = Path(place.root / "home/user/kernel")
    assert (brought / "bzImage").read_text() == "bzImage"
    assert (brought / "usr/lib/modules" / release / "kernel/fs/ext4.ko").is_file()
    assert not (brought / "usr/lib/modules" / release / "build").is_symlink()
    assert files.read_json(brought / "facts.json")["branches"] == 5
