"""Choosing a converter: the stated order, and what is said of those passed over."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo import log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.profile.convert import ORDER, Request, Tool, convert
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.command import Command, Result
from tests.unit import elf_files
from tests.unit.branches.tables import BUILD_ID, TEXT, table_of
from tests.unit.profile.programs import TOOLCHAIN, profile_tools, recorded, writes_output

LENIENT = ProfileSettings(min_functions=1, min_samples=1, min_found_share=0.1)
TABLE = table_of([(TEXT + 4, TEXT + 16, 5, 0)], [(TEXT + 16, TEXT + 20, 5)])
EMPTY = Result(returncode=0, stdout=recorded("llvm-profdata-19-empty.txt"))


@pytest.fixture
def request_(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.vmlinux())
    return Request(
        table=TABLE,
        vmlinux=Vmlinux(path=path, build_id=BUILD_ID),
        settings=LENIENT,
        cache=tmp_path / "cache",
    )


@pytest.fixture
def messages():
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def create_llvm_prof(command: Command) -> Result:
    """Answer for an installed create_llvm_prof 0.19."""
    if "--helpfull" in command.argv:
        return Result(returncode=1, stdout=recorded("create_llvm_prof-0.19-help.txt"))
    output = next(word for word in command.argv if word.startswith("--out="))
    Path(output.removeprefix("--out=")).write_bytes(b"made")
    return Result(returncode=0)


def tools(**changes):
    # llvm-profdata is asked after each converter: first things first.
    answers = {"create_llvm_prof": create_llvm_prof} | changes
    return profile_tools(**answers)


def out(request_) -> list[str]:
    return sorted(path.name for path in (request_.cache.parent / "out").iterdir())


def run(runner, request_):
    return convert(runner, TOOLCHAIN, request_, folder=request_.cache.parent / "out")


def test_llvm_profgen_comes_first() -> None:
    assert ORDER == (Tool.PROFGEN, Tool.CREATE)


def test_the_first_that_works_is_taken_and_named(request_, messages) -> None:
    conversion = run(tools(), request_)
    assert (conversion.tool, conversion.passed_over) == ("llvm-profgen", ())
    assert out(request_) == [conversion.profile.path.name]
    assert "converted with llvm-profgen (the first choice)" in messages.getvalue()


def test_a_failing_first_choice_is_passed_over_with_its_reason(request_, messages) -> None:
    failing = Result(returncode=1, stderr="error: bad DWARF")
    conversion = run(tools(**{"llvm-profgen": failing}), request_)
    assert conversion.tool == "create_llvm_prof"
    [sentence] = conversion.passed_over
    assert sentence.startswith("llvm-profgen is passed over: /usr/bin/llvm-profgen failed")
    assert "bad DWARF" in sentence
    assert out(request_) == [conversion.profile.path.name]
    assert sentence in messages.getvalue()


def test_an_empty_result_counts_as_failure(request_) -> None:
    asked = []

    def show(command):
        asked.append(command)
        return EMPTY if len(asked) == 1 else profile_tools().answers["show"]

    conversion = run(tools(show=show), request_)
    assert conversion.tool == "create_llvm_prof"
    assert "The profile is empty" in conversion.passed_over[0]


def test_when_none_works_each_reason_is_told_and_nothing_is_left(request_, messages) -> None:
    with pytest.raises(ArtifactError, match="No converter") as caught:
        run(tools(show=EMPTY), request_)
    assert caught.value.details.count("is passed over: The profile is empty") == 2
    assert messages.getvalue().count("is passed over") == 1
    assert out(request_) == []


def test_a_tool_that_was_named_fails_in_its_own_words(request_) -> None:
    with pytest.raises(ArtifactError, match="The profile is empty"):
        run(tools(show=EMPTY), replace(request_, tools=(Tool.CREATE,)))


@pytest.mark.parametrize("order", [ORDER, (Tool.PROFGEN,), (Tool.CREATE,)])
def test_a_recording_whose_branches_find_no_function_is_refused_before_any_tool(
    request_, messages, order
) -> None:
    elsewhere = table_of([(TEXT + 2**20, TEXT, 95, 0), (TEXT + 4, TEXT, 5, 0)], [])
    runner = profile_tools()
    with pytest.raises(ArtifactError, match="do not fit, whichever tool converts") as caught:
        run(runner, replace(request_, table=elsewhere, tools=order))
    assert "only 5.0% of 100 branches" in caught.value.details
    assert runner.ran == runner.queried == []
    assert not request_.cache.exists()
    assert "passed over" not in messages.getvalue()


def test_another_kernel_is_the_better_explanation_of_addresses_that_do_not_fit(request_) -> None:
    elsewhere = table_of([(TEXT + 2**20, TEXT, 95, 0)], [])
    foreign = replace(request_.vmlinux, build_id="beef")
    with pytest.raises(ArtifactError, match="another kernel"):
        run(profile_tools(), replace(request_, table=elsewhere, vmlinux=foreign))


def test_another_kernel_is_refused_without_trying_more(request_) -> None:
    foreign = replace(request_, vmlinux=replace(request_.vmlinux, build_id="beef"))
    runner = tools()
    with pytest.raises(ArtifactError, match="another kernel"):
        run(runner, foreign)
    assert runner.ran == []


def test_a_broken_installed_program_is_a_host_error(request_) -> None:
    broken = Result(returncode=127, stderr="error while loading shared libraries")
    with pytest.raises(HostError, match="does not run here"):
        run(tools(create_llvm_prof=broken), replace(request_, tools=(Tool.CREATE,)))


def test_create_llvm_prof_gets_file_offsets_and_its_result_is_rewritten(request_) -> None:
    seen = []

    def reading(command):
        counts = [word for word in command.argv if word.startswith("--profile=")]
        if counts:
            seen.append(Path(counts[0].removeprefix("--profile=")).read_text())
        return create_llvm_prof(command)

    runner = tools(create_llvm_prof=reading, merge=writes_output(b"rewritten"))
    conversion = run(runner, replace(request_, tools=(Tool.CREATE,)))
    # The tiny vmlinux has no segments, so no address has an offset.
    assert seen == ["0\n0\n0\n"]
    assert conversion.profile.path.read_bytes() == b"rewritten"


def test_counts_in_functions_that_did_not_run_are_refused_after_both_conventions(request_) -> None:
    functions = Result(returncode=0, stdout="Function: idle: 7, 7, 1 sampled lines\n")

    def show(command):
        brief = any(word.startswith("--function") for word in command.argv)
        return profile_tools().answers["show"] if brief else functions

    runner = tools(show=show)
    with pytest.raises(ArtifactError, match="functions that did not run"):
        run(runner, replace(request_, tools=(Tool.CREATE,)))
    assert sum("--profiler=text" in command.argv for command in runner.ran) == 2


def test_an_empty_file_is_told_with_its_likely_cause(request_) -> None:
    def nothing(command):
        result = create_llvm_prof(command)
        for word in command.argv:
            if word.startswith("--out="):
                Path(word.removeprefix("--out=")).write_bytes(b"")
        return result

    with pytest.raises(ArtifactError, match="wrote an empty profile") as caught:
        run(tools(create_llvm_prof=nothing), replace(request_, tools=(Tool.CREATE,)))
    assert "DWARF 5" in caught.value.hint


@pytest.mark.parametrize(
    ("tool", "option"), [(Tool.PROFGEN, "--perfdata=perf.data"), (Tool.CREATE, "--profiler=perf")]
)
def test_a_tool_can_be_told_to_read_the_recording_itself(request_, tool, option) -> None:
    runner = tools()
    run(runner, replace(request_, tools=(tool,), recording=Path("perf.data")))
    assert option in runner.ran[0].argv


def test_without_modules_in_the_recording_nothing_is_linked(request_) -> None:
    runner = tools()
    run(runner, replace(request_, objects=request_.cache))
    assert len(runner.ran) == 1
