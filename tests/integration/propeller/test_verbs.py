"""Layouts on the real command line: a tiny kernel with an address map, and an execution of it."""

from __future__ import annotations

import os
import shutil

import pytest

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.store import write_table
from pkgafdo.errors import CommandError
from pkgafdo.propeller.read import read_profiles
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from tests.integration import tiny_kernel
from tests.integration.cli.program import Pkgafdo

pytestmark = pytest.mark.real

MAP_FLAGS = ("-fbasic-block-address-map", "-fbasic-block-sections=labels")
STEPS = 200_000
RUNNER = LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"})


def installed(name: str) -> str:
    suffixes = [*(f"-{version}" for version in range(30, 18, -1)), ""]
    found = next((path for suffix in suffixes if (path := shutil.which(name + suffix))), None)
    if found is None:
        pytest.skip(f"not installed: {name}")
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a vmlinux, the exact table of an execution, and pkgafdo."""
    folder = tmp_path_factory.mktemp("propeller")
    for flag in MAP_FLAGS:
        try:
            vmlinux = tiny_kernel.build(
                RUNNER, folder, clang=installed("clang"), lld=installed("ld.lld"), flags=(flag,)
            )
            break
        except CommandError:
            continue
    code = tiny_kernel.disassemble(RUNNER, installed("llvm-objdump"), vmlinux)
    taken = tiny_kernel.walk(code, tiny_kernel.starts(vmlinux), STEPS)
    meta = TableMeta(build_id=tiny_kernel.require_build_id(vmlinux), event="walk")
    write_table(tiny_kernel.count(taken, meta), folder / "table.parquet")
    strip = (installed("llvm-objcopy"), "--remove-section=.llvm_bb_addr_map", "vmlinux", "plain")
    RUNNER.run(Command(argv=strip, cwd=folder))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    other = tiny_kernel.build(
        RUNNER, elsewhere, clang=installed("clang"), lld=installed("ld.lld"),
        text=tiny_kernel.source(10), flags=(flag,),
    )  # fmt: skip
    other.replace(folder / "other")
    return folder


@pytest.fixture
def pkgafdo(tmp_path) -> Pkgafdo:
    return Pkgafdo(folder=tmp_path)


@pytest.fixture
def arguments(place) -> tuple[object, ...]:
    return "--vmlinux", place / "vmlinux", "--branches", place / "table.parquet"


def test_every_branch_of_an_execution_finds_its_place(pkgafdo, arguments, tmp_path) -> None:
    words = ("-o", tmp_path / "new/kernel", "--json")
    facts = pkgafdo.run("propeller", "layout", *arguments, *words).data()
    coverage = facts["coverage"]
    assert coverage["total"] == STEPS
    # The walk goes on elsewhere when it comes to an end, which looks like a call.
    assert coverage["lost"] <= STEPS * 0.001
    assert coverage["ranges_lost"] <= STEPS * 0.001
    assert coverage["imbalance"] <= 0.001
    assert facts["after"]["fall_through_share"] > facts["before"]["fall_through_share"]
    assert facts["functions"] > 50


def test_the_same_recording_gives_the_same_files(pkgafdo, arguments, tmp_path) -> None:
    for prefix in ("one", "two"):
        pkgafdo.run("propeller", "layout", *arguments, "-o", tmp_path / prefix, "--json").data()
    for name in ("cc_profile", "ld_profile"):
        files = [(tmp_path / f"{prefix}_{name}.txt").read_bytes() for prefix in ("one", "two")]
        assert files[0] == files[1]


def test_ext_tsp_falls_through_more_than_source_order(pkgafdo, arguments, tmp_path) -> None:
    shares = {}
    for method in ("ext-tsp", "greedy", "source"):
        words = ("--method", method, "-o", tmp_path / method, "--json")
        facts = pkgafdo.run("propeller", "layout", *arguments, *words).data()
        shares[method] = facts["after"]["fall_through_share"]
    assert shares["ext-tsp"] > shares["source"]
    assert shares["greedy"] > shares["source"]


def test_an_inspection_tells_what_the_layout_told(pkgafdo, arguments, tmp_path) -> None:
    prefix = tmp_path / "p"
    made = pkgafdo.run("propeller", "layout", *arguments, "-o", prefix, "--json").data()
    seen = pkgafdo.run("propeller", "inspect", prefix, *arguments, "--json").data()
    assert {name: made[name] for name in seen} == seen
    text = pkgafdo.run("propeller", "inspect", prefix, *arguments).stdout
    assert "fall-through" in text


def test_the_compiler_makes_the_cold_parts_of_the_layout(pkgafdo, arguments, tmp_path) -> None:
    prefix = tmp_path / "used"
    pkgafdo.run("propeller", "layout", *arguments, "-o", prefix, "--json").data()
    flags = (f"-fbasic-block-sections=list={prefix}_cc_profile.txt", "-ffunction-sections")
    vmlinux = tiny_kernel.build(
        RUNNER, tmp_path, clang=installed("clang"), lld=installed("ld.lld"), flags=flags
    )
    listing = RUNNER.query(Command(argv=(installed("llvm-nm"), str(vmlinux)))).stdout
    cold = {word for word in listing.split() if word.endswith(".cold")}
    assert cold == {name for name in read_profiles(prefix).symbols if name.endswith(".cold")}
    assert cold


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        (("--vmlinux", "other"), 5, "vmlinux.unstripped of the recorded build"),
        (("--vmlinux", "plain"), 5, "no basic-block address map"),
        (("--branches", "kernel.c"), 5, "is no recording"),
        (("--tool", "google"), 3, "no releases"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(
    pkgafdo, place, arguments, tmp_path, changed, code, words
) -> None:
    name, value = changed
    value = place / value if name != "--tool" else value
    ended = pkgafdo.run("propeller", "layout", *arguments, name, value, "-o", tmp_path / "never")
    refusal = ended.refusal(code)
    assert words in f"{refusal.message}\n{refusal.details}\n{refusal.hint}"
    assert refusal.hint
    assert not list(tmp_path.glob("never*"))


def test_a_kernel_without_its_recording_is_a_question_of_usage(pkgafdo, place, tmp_path) -> None:
    words = ("inspect", tmp_path / "p", "--vmlinux", place / "vmlinux")
    assert "belong together" in pkgafdo.run("propeller", *words).refusal(2).message
