"""How much of a profile still fits a kernel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.profile.drift import Threshold, Verdict, compare_lines, measure_drift, verdict_of
from pkgafdo.profile.source_lines import SourceLines, add_frames, read_source_lines
from pkgafdo.profile.text import FunctionBody
from pkgafdo.runner.command import Command, Result
from tests.unit import elf_files
from tests.unit.branches.tables import TEXT
from tests.unit.profile.programs import TOOLCHAIN, profile_tools


def body(name: str, *lines: tuple[str, int, int]) -> FunctionBody:
    return FunctionBody(name=name, total=0, lines=lines)


READ = body("vfs_read", ("vfs_read", 1, 60), ("rw_verify", 2, 20))
WRITE = body("vfs_write", ("vfs_write", 9, 20))


def drift(functions, lines, judged=(READ, WRITE)):
    source = SourceLines(functions=set(functions), lines=lines)
    return compare_lines([READ, WRITE], judged, source, most=5)


def test_the_same_kernel_has_it_all() -> None:
    found = drift(["vfs_read", "vfs_write"], {"vfs_read": {1}, "rw_verify": {2}, "vfs_write": {9}})
    assert found.verdict is Verdict.FRESH
    assert (found.function_share, found.line_share, found.range_share) == (1, 1, 1)
    assert (found.lost, found.moved) == ((), ())


def test_functions_that_are_gone_are_named_with_their_share() -> None:
    found = drift(["vfs_read"], {"vfs_read": {1}, "rw_verify": {2}})
    assert found.lost == (("vfs_write", 0.2),)
    assert (found.functions, found.functions_found) == (2, 1)
    assert found.function_share == pytest.approx(0.8)
    assert found.verdict is Verdict.STALE


def test_a_line_without_code_that_lies_in_the_function_is_in_range_only() -> None:
    found = drift(
        ["vfs_read", "vfs_write"], {"vfs_read": {0, 5}, "rw_verify": {2}, "vfs_write": {9}}
    )
    assert found.line_share == pytest.approx(0.4)
    assert found.range_share == pytest.approx(1.0)
    assert found.moved == (("vfs_read", 0.6),)


def test_only_judged_functions_count_for_lines() -> None:
    found = drift(["vfs_read", "vfs_write"], {"vfs_write": {9}}, judged=[WRITE])
    assert found.line_share == 1.0


@pytest.mark.parametrize(
    ("functions", "lines", "verdict"),
    [
        (0.98, 0.95, Verdict.FRESH),
        (0.979, 1.0, Verdict.USABLE),
        (1.0, 0.949, Verdict.USABLE),
        (0.90, 0.75, Verdict.USABLE),
        (0.899, 1.0, Verdict.STALE),
        (1.0, 0.749, Verdict.STALE),
    ],
)
def test_the_verdict_needs_both_shares(functions, lines, verdict) -> None:
    assert verdict_of(Threshold(functions=functions, lines=lines)) is verdict


def test_frames_give_lines_to_each_function_and_the_last_one_to_the_symbol() -> None:
    found: dict[str, set[int]] = {}
    frames = [
        {"FunctionName": "inner", "Line": 12, "StartLine": 10},
        {"FunctionName": "alias.llvm.1", "Line": 105, "StartLine": 100},
    ]
    add_frames(found, "real", frames)
    assert found == {"inner": {2}, "alias": {5}, "real": {5}}


@pytest.mark.parametrize(("line", "first"), [(0, 10), (5, 0), (9, 10)])
def test_code_without_a_line_of_its_function_is_passed_over(line, first) -> None:
    found: dict[str, set[int]] = {}
    add_frames(found, "f", [{"FunctionName": "f", "Line": line, "StartLine": first}])
    assert found == {}


def symbolizer(asked: list[str]):
    """Answer that every address is in the third line of do_work."""

    def answer(command: Command) -> Result:
        asked.extend((command.stdin or "").split())
        frame = {"FunctionName": "do_work", "Line": 12, "StartLine": 10}
        row = json.dumps({"Symbol": [frame]})
        return Result(returncode=0, stdout=f"{row}\n" * len((command.stdin or "").split()))

    return answer


@pytest.fixture
def vmlinux(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.vmlinux())
    return path


def test_addresses_are_asked_for_all_along_the_function(vmlinux) -> None:
    asked: list[str] = []
    runner = profile_tools(**{"llvm-symbolizer": symbolizer(asked)})
    source = read_source_lines(runner, "llvm-symbolizer", vmlinux, {"do_work"})
    assert asked == [f"{address:#x}" for address in range(TEXT, TEXT + 32)]
    assert source.lines == {"do_work": {2}}
    assert "do_work" in source.functions


def test_a_kernel_without_lines_is_refused(tmp_path) -> None:
    (tmp_path / "k").write_bytes(elf_files.vmlinux(lines=False))
    with pytest.raises(ArtifactError, match="no line tables"):
        read_source_lines(profile_tools(), "llvm-symbolizer", tmp_path / "k", {"do_work"})


def measured(vmlinux, text: str, toolchain=TOOLCHAIN, **tools):
    answers = {"merge": Result(returncode=0, stdout=text), "llvm-symbolizer": symbolizer([])}
    runner = profile_tools(**answers | tools)
    runner.missing = {name for name in tools if tools[name] is None}
    return measure_drift(runner, toolchain, Path("k.afdo"), vmlinux)


def test_a_profile_is_measured_against_a_kernel(vmlinux) -> None:
    found = measured(vmlinux, "do_work:30:1\n 2: 30\ngone:10:1\n 1: 10\n")
    assert found.samples == 40
    assert found.function_share == pytest.approx(0.75)
    assert found.lost == (("gone", 0.25),)


def test_an_empty_profile_is_refused(vmlinux) -> None:
    with pytest.raises(ArtifactError, match="no samples"):
        measured(vmlinux, "")


def test_an_llvm_without_symbolizer_is_a_host_error(vmlinux) -> None:
    odd = replace(TOOLCHAIN, tools=TOOLCHAIN.tools)
    with pytest.raises(HostError, match="no llvm-symbolizer beside it"):
        measured(vmlinux, "do_work:1:1\n 1: 1\n", odd, **{"llvm-symbolizer": None})
