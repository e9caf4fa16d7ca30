"""Laying out a small kernel, and looking at the layout."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.propeller.read import read_profiles
from pkgafdo.propeller.settings import BlockMethod, GraphLimits, LayoutSettings
from pkgafdo.runner.command import Result
from pkgafdo.workflows.propeller import (
    LayoutTool,
    describe,
    describe_expected,
    layout,
    read_graph,
    render,
)
from tests.fakes.runner import FakeRunner
from tests.unit.propeller.kernels import TEXT, symbol, write_kernel
from tests.unit.propeller.test_cfg import FUNCTIONS, LIMITS, ROWS, TABLE
from tests.unit.propeller.test_google import option

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def vmlinux(tmp_path) -> Path:
    return write_kernel(tmp_path / "vmlinux", ROWS, *FUNCTIONS)


def test_a_layout_writes_both_files_and_says_what_to_expect(tmp_path, vmlinux) -> None:
    facts = layout(FakeRunner(), vmlinux, TABLE, tmp_path / "new/p", limits=LIMITS)
    assert facts["functions"] == 2
    assert facts["method"] == "ext-tsp"
    assert facts["coverage"]["share"] == 1.0
    assert facts["after"]["fall_through_share"] >= facts["before"]["fall_through_share"]
    assert json.loads(json.dumps(facts)) == facts
    assert {one.name for one in read_profiles(tmp_path / "new/p").functions} == {"f", "g"}


def test_the_method_is_the_one_that_is_asked_for(tmp_path, vmlinux) -> None:
    settings = LayoutSettings(blocks=BlockMethod.SOURCE)
    facts = layout(FakeRunner(), vmlinux, TABLE, tmp_path / "p", settings=settings, limits=LIMITS)
    assert facts["method"] == "source"
    assert facts["after"]["falling"] == facts["before"]["falling"]


def test_a_thin_recording_leaves_nothing_behind(tmp_path, vmlinux) -> None:
    with pytest.raises(ArtifactError, match="too thin"):
        layout(FakeRunner(), vmlinux, TABLE, tmp_path / "p", limits=GraphLimits())
    assert [path.name for path in tmp_path.iterdir()] == ["vmlinux"]


@pytest.mark.parametrize(
    ("rows", "cold_below", "stay"), [([], 1, "2 of 2"), (ROWS, 10**6, "0 of 2")]
)
def test_a_layout_of_nothing_is_an_error_that_says_why(tmp_path, rows, cold_below, stay) -> None:
    vmlinux = write_kernel(tmp_path / "vmlinux", rows or [symbol("other", TEXT)], *FUNCTIONS)
    settings = LayoutSettings(cold_below=cold_below)
    with pytest.raises(ArtifactError, match="No function of this kernel can be laid out") as caught:
        layout(FakeRunner(), vmlinux, TABLE, tmp_path / "p", settings=settings, limits=LIMITS)
    assert f"{stay} executed functions must stay" in caught.value.details
    assert [path.name for path in tmp_path.iterdir()] == ["vmlinux"]


def test_a_layout_of_addresses_of_an_unknown_place_says_so_for_good(tmp_path, vmlinux) -> None:
    lost = replace(TABLE, meta=replace(TABLE.meta, extra={"addresses": "unknown"}))
    facts = layout(FakeRunner(), vmlinux, lost, tmp_path / "p", limits=LIMITS, allow_mismatch=True)
    assert facts["mismatch"].startswith("the recording does not say where the kernel lay")
    assert f"\n# {facts['mismatch']}\n" in (tmp_path / "p_cc_profile.txt").read_text()


def test_a_layout_of_another_builds_recording_says_so_for_good(tmp_path, vmlinux) -> None:
    other = replace(TABLE, meta=replace(TABLE.meta, build_id="beef"))
    facts = layout(FakeRunner(), vmlinux, other, tmp_path / "p", limits=LIMITS, allow_mismatch=True)
    assert facts["mismatch"].startswith("the recording has build-id beef, vmlinux has ")
    written = (tmp_path / "p_cc_profile.txt").read_text()
    assert written.startswith(f"v1\n# {facts['mismatch']}\nf ")
    own = layout(FakeRunner(), vmlinux, TABLE, tmp_path / "p", limits=LIMITS)
    assert own["mismatch"] is None
    assert "#" not in (tmp_path / "p_cc_profile.txt").read_text()


def test_googles_layout_is_judged_like_our_own(tmp_path, vmlinux) -> None:
    def answer(command):
        option(command, "cc_profile").write_text("v1\nf f\nc 0 3 2 5\n")
        option(command, "ld_profile").write_text("f\n")
        return Result(returncode=0)

    runner = FakeRunner(answers={"generate_propeller_profiles": answer})
    facts = layout(runner, vmlinux, TABLE, tmp_path / "p", limits=LIMITS, tool=LayoutTool.GOOGLE)
    assert (facts["tool"], facts["method"], facts["functions"]) == ("google", None, 1)
    # 0 → 3 sixty times, 3 → 2 and, in g, 0 → 4 a hundred times; 0 → 5 and 5 → 3 jump.
    assert (facts["after"]["falling"], facts["after"]["jumping"]) == (260, 80)


def test_googles_missing_program_is_found_out_before_anything_is_read(tmp_path) -> None:
    runner = FakeRunner(missing={"generate_propeller_profiles"})
    with pytest.raises(HostError, match="not installed"):
        layout(runner, tmp_path / "none", TABLE, tmp_path / "p", tool=LayoutTool.GOOGLE)


def test_an_inspection_without_a_kernel_tells_what_the_files_hold(tmp_path, vmlinux) -> None:
    layout(FakeRunner(), vmlinux, TABLE, tmp_path / "p", limits=LIMITS)
    facts = describe(tmp_path / "p")
    assert (facts["functions"], facts["clusters"], facts["blocks"]) == (2, 2, 6)
    assert "2 in 2 clusters with 6 blocks" in render(facts)
    assert "fall-through" not in render(facts)


def test_an_inspection_with_a_kernel_names_what_does_not_fit(tmp_path, vmlinux) -> None:
    (tmp_path / "p_cc_profile.txt").write_text("v1\nf f\nc 0 77\nf renamed\nc 0\n")
    (tmp_path / "p_ld_profile.txt").write_text("f\nrenamed\n")
    graph = read_graph(vmlinux, TABLE, limits=LIMITS)
    facts = describe(tmp_path / "p") | describe_expected(tmp_path / "p", graph)
    text = render(facts)
    assert "not executed  renamed" in text
    assert "other blocks  f" in text
    assert "before" in text
