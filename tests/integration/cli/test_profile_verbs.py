"""Recordings and profiles on the real command line, with the tiny kernel."""

from __future__ import annotations

import json
import os
import random
import shutil
from subprocess import PIPE, Popen  # noqa: TID251  a pipe into the program cannot be asked of the runner

import numpy as np
import pytest

from pkgafdo import elf
from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.store import write_table
from pkgafdo.perf.perfdata.write import Machine, Stacks, write_recording
from pkgafdo.runner.local import LocalRunner
from tests.integration import tiny_kernel
from tests.integration.cli.program import Pkgafdo, can_mount

pytestmark = pytest.mark.real

SHIFT = 0x1A000000
DEPTH = 32


def installed(name: str) -> str:
    found = next(
        (path for suffix in ("-19", "") if (path := shutil.which(f"{name}{suffix}"))), None
    )
    if found is None:
        pytest.skip(f"not installed: {name}")
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with vmlinux, perf.data (with KASLR) and the exact table of one execution."""
    folder = tmp_path_factory.mktemp("profiles")
    runner = LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    vmlinux = tiny_kernel.build(runner, folder, clang=installed("clang"), lld=installed("ld.lld"))
    code = tiny_kernel.disassemble(runner, installed("llvm-objdump"), vmlinux)
    taken = tiny_kernel.walk(code, tiny_kernel.starts(vmlinux), 40_000)
    build_id = tiny_kernel.require_build_id(vmlinux)
    meta = TableMeta(build_id=build_id, kernelrelease="7.2.13", extra={"workload": "walk"})
    write_table(tiny_kernel.count(taken, meta), folder / "exact.parquet")
    rows = np.array(taken, dtype=np.uint64) + np.uint64(SHIFT)
    newest = np.arange(DEPTH, len(rows), 17)
    picked = (newest[:, None] - np.arange(DEPTH)).ravel()
    bounds = elf.text_bounds(vmlinux)
    assert bounds.text is not None
    assert bounds.etext is not None
    machine = Machine(
        text=bounds.text + SHIFT, text_size=bounds.etext - bounds.text, build_id=build_id,
        kernelrelease="7.2.13", arch="x86_64", cpu="walk", event="virtual-lbr", period=17,
        command="walk",
    )  # fmt: skip
    lengths = np.full(len(newest), DEPTH, dtype=np.uint64)
    write_recording(folder / "perf.data", Stacks(rows=rows[picked], lengths=lengths), machine)
    return folder


@pytest.fixture
def pkgafdo(tmp_path) -> Pkgafdo:
    return Pkgafdo(folder=tmp_path)


def test_a_recording_becomes_a_table_a_profile_and_answers(pkgafdo, place, tmp_path) -> None:
    vmlinux, table, profile = place / "vmlinux", tmp_path / "t.parquet", tmp_path / "k.afdo"
    read = pkgafdo.run(
        "branches", "read", place / "perf.data", "--vmlinux", vmlinux, "-o", table, "--json"
    ).data()
    assert read["samples"] > 2000
    assert read["build_id"] == tiny_kernel.require_build_id(vmlinux)
    info = pkgafdo.run("branches", "info", table, "--json").data()
    assert info == {key: value for key, value in read.items() if key != "path"}
    data = pkgafdo.run(
        "profile", "convert", table, "--vmlinux", vmlinux, "-o", profile, "--json"
    ).data()
    assert data["tool"] == "llvm-profgen"
    assert data["provenance"]["found_share"] == 1.0
    found = pkgafdo.run("profile", "info", profile, "--vmlinux", vmlinux, "--json").data()
    assert found["functions"] > 100
    assert found["coverage"]["foreign"] == 0
    assert found["provenance"]["kernelrelease"] == "7.2.13"
    drift = pkgafdo.run("profile", "drift", profile, "--vmlinux", vmlinux, "--json").data()
    assert drift["verdict"] == "fresh"
    assert pkgafdo.run("profile", "check", profile, "--provenance").code == 0
    refusal = pkgafdo.run(
        "profile", "check", profile, "--set", "profile.min_functions=9999"
    ).refusal(5)
    assert "9999 are needed" in refusal.details


def test_the_tools_own_reading_agrees_with_ours(pkgafdo, place, tmp_path) -> None:
    shared = ("profile", "convert", place / "perf.data", "--vmlinux", place / "vmlinux")
    pkgafdo.run(*shared, "-o", tmp_path / "ours.afdo", "--json").data()
    tool = ("--tool", "llvm-profgen", "--direct")
    pkgafdo.run(*shared, *tool, "-o", tmp_path / "theirs.afdo", "--json").data()
    data = pkgafdo.run(
        "profile", "compare", tmp_path / "ours.afdo", tmp_path / "theirs.afdo", "--json"
    ).data()
    assert data["overlap"]["samples"] >= 0.999
    assert data["gained"] == data["lost"] == []


def test_a_table_read_without_vmlinux_converts_to_the_same_profile(
    pkgafdo, place, tmp_path
) -> None:
    table, shared = tmp_path / "t.parquet", ("--vmlinux", place / "vmlinux", "--json", "-o")
    pkgafdo.run("branches", "read", place / "perf.data", "-o", table, "--json").data()
    for source, name in ((place / "perf.data", "direct"), (table, "later")):
        pkgafdo.run("profile", "convert", source, *shared, tmp_path / f"{name}.afdo").data()
    assert (tmp_path / "later.afdo").read_bytes() == (tmp_path / "direct.afdo").read_bytes()


def test_profiles_are_merged_and_trimmed(pkgafdo, place, tmp_path) -> None:
    profile, merged = tmp_path / "k.afdo", tmp_path / "m.afdo"
    pkgafdo.run(
        "profile", "convert", place / "exact.parquet", "--vmlinux", place / "vmlinux", "-o", profile
    )
    one = pkgafdo.run("profile", "info", profile, "--json").data()
    pkgafdo.run("profile", "merge", f"3,{profile}", profile, "-o", merged, "--json").data()
    both = pkgafdo.run("profile", "info", merged, "--json").data()
    assert both["samples"] == 4 * one["samples"]
    assert both["provenance"]["merged_from"] == [[one["sha256"], 3], [one["sha256"], 1]]
    small = tmp_path / "t.afdo"
    data = pkgafdo.run("profile", "trim", profile, "--share", "0.01", "-o", small, "--json").data()
    assert data["functions"] + data["dropped"] == one["functions"]
    assert 0 < data["kept_share"] < 1


def test_a_profile_to_compare_with_that_is_none_ends_with_five(pkgafdo, place, tmp_path) -> None:
    profile, other = tmp_path / "k.afdo", tmp_path / "other"
    pkgafdo.run(
        "profile", "convert", place / "exact.parquet", "--vmlinux", place / "vmlinux", "-o", profile
    )
    for sentence in ("There is no profile", "is not a sample profile"):
        for words in (("check", profile, "--base", other), ("compare", other, profile)):
            assert sentence in pkgafdo.run("profile", *words).refusal(5).message
        other.write_bytes(b"once upon a time\n")


def test_an_orphan_stays_one_when_it_is_trimmed(pkgafdo, place, tmp_path) -> None:
    profile, small = tmp_path / "k.afdo", tmp_path / "small.afdo"
    pkgafdo.run(
        "profile", "convert", place / "exact.parquet", "--vmlinux", place / "vmlinux", "-o", profile
    )
    (tmp_path / "k.afdo.json").unlink()
    pkgafdo.run("profile", "trim", profile, "--share", "0.0001", "-o", small, "--json").data()
    refusal = pkgafdo.run("profile", "check", small, "--provenance").refusal(5)
    assert "without provenance" in refusal.details


def test_a_recording_can_come_on_stdin(pkgafdo, place, tmp_path) -> None:
    (pkgafdo.cache / "pkgafdo").mkdir(parents=True)
    command = pkgafdo.command("branches", "info", "-", "--json")
    with (
        (place / "perf.data").open("rb") as recording,
        Popen(command, stdin=recording, stdout=PIPE, cwd=tmp_path) as process,
    ):
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(output)["samples"] > 2000


def test_perf_scripts_text_can_come_through_a_pipe(pkgafdo, tmp_path) -> None:
    (pkgafdo.cache / "pkgafdo").mkdir(parents=True)
    command = pkgafdo.command("branches", "info", "-", "--json", "--no-filter")
    with Popen(command, stdin=PIPE, stdout=PIPE, cwd=tmp_path) as process:
        output, _ = process.communicate(b" 10 0x20/0x10/P/-/-/0 \n" * 7, timeout=60)
    data = json.loads(output)
    assert (process.returncode, data["samples"], data["event"]) == (0, 7, "unknown")


def test_stdin_can_be_converted(pkgafdo, place, tmp_path) -> None:
    (pkgafdo.cache / "pkgafdo").mkdir(parents=True)
    words = ("--vmlinux", place / "vmlinux", "-o", tmp_path / "k.afdo", "--json")
    command = pkgafdo.command("profile", "convert", "-", *words)
    with (
        (place / "perf.data").open("rb") as recording,
        Popen(command, stdin=recording, stdout=PIPE, cwd=tmp_path) as process,
    ):
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(output)["tool"] == "llvm-profgen"


@pytest.mark.parametrize(
    "form", ["profgen", "create-llvm-prof", "propeller-proto", "fdata", "preagg"]
)
def test_a_table_is_exported_for_each_tool(pkgafdo, place, tmp_path, form) -> None:
    shared = ("--vmlinux", place / "vmlinux", "-o", tmp_path / "out", "--json")
    data = pkgafdo.run("branches", "export", "--to", form, place / "exact.parquet", *shared).data()
    assert data["size"] == (tmp_path / "out").stat().st_size > 1000


BAD = {
    "empty": b"",
    "text": b"once upon a time\n",
    "zeros": bytes(4096),
    "header": b"PERFILE2",
    "parquet": b"PAR1 and nothing more",
    "counts": b"VLBRCNT2",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_recording_ends_with_five_and_one_sentence(pkgafdo, tmp_path, name) -> None:
    (tmp_path / name).write_bytes(BAD[name])
    refusal = pkgafdo.run(
        "branches", "read", tmp_path / name, "-o", tmp_path / "out.parquet"
    ).refusal(5)
    assert refusal.hint
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("what", ["missing", "stripped", "compressed", "foreign"])
def test_a_vmlinux_that_cannot_serve_ends_with_five(pkgafdo, place, tmp_path, what) -> None:
    path = tmp_path / "vmlinux"
    if what == "compressed":
        path.write_bytes(b"\x1f\x8b" + bytes(1000))
    elif what == "foreign":
        runner = LocalRunner(env={"PATH": os.environ["PATH"]})
        text = tiny_kernel.source(20)
        path = tiny_kernel.build(
            runner, tmp_path, clang=installed("clang"), lld=installed("ld.lld"), text=text
        )
    elif what == "stripped":
        shutil.copyfile(place / "vmlinux", path)
        command = [installed("llvm-objcopy"), "--strip-all", str(path)]
        with Popen(command) as process:
            assert process.wait() == 0
    refusal = pkgafdo.run(
        "profile", "convert", place / "perf.data", "--vmlinux", path, "-o", tmp_path / "k.afdo"
    ).refusal(5)
    assert refusal.hint
    assert not (tmp_path / "k.afdo").exists()


def test_a_recording_cut_anywhere_gives_a_table_or_one_sentence(pkgafdo, place, tmp_path) -> None:
    content = (place / "perf.data").read_bytes()
    chance = random.Random(3)
    for _ in range(6):
        (tmp_path / "cut").write_bytes(content[: chance.randrange(len(content))])
        ended = pkgafdo.run("branches", "info", tmp_path / "cut", "--json")
        assert ended.code in {0, 5}, ended.stderr
        assert "Traceback" not in ended.stderr


_TINY_DISK = (
    'mount -t tmpfs -o size=40k tmpfs "$1" && shift && "$@"; code=$?; ls -A full; exit $code'
)


@pytest.mark.parametrize("verb", ["branches", "profile"])
def test_a_full_disk_ends_with_one_sentence_and_nothing_half_written(
    pkgafdo, place, tmp_path, verb
) -> None:
    if not can_mount():
        pytest.skip("name spaces of mounts are not allowed here")
    (tmp_path / "full").mkdir()
    (pkgafdo.cache / "pkgafdo").mkdir(parents=True)
    output = ("-o", "full/out")
    words = {
        "branches": ("export", "--to", "preagg", place / "exact.parquet", *output),
        "profile": ("convert", place / "exact.parquet", *output),
    }[verb]
    command = pkgafdo.command(verb, *words, "--vmlinux", place / "vmlinux")
    with Popen(
        ["unshare", "--mount", "sh", "-c", _TINY_DISK, "sh", "full", *command],
        stdout=PIPE, stderr=PIPE, cwd=tmp_path, text=True, env={"PATH": pkgafdo.path},
    ) as process:  # fmt: skip
        output_text, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    assert "No space left on device" in errors
    assert output_text == ""


def test_an_output_below_a_file_is_refused_in_a_sentence(pkgafdo, place) -> None:
    output = place / "vmlinux" / "out"
    refusal = pkgafdo.run("branches", "read", place / "exact.parquet", "-o", output).refusal(3)
    assert "could not be written" in refusal.message


def test_help_is_quick_about_the_new_verbs_too(pkgafdo) -> None:
    seconds = min(pkgafdo.run("profile", "--help").seconds for _ in range(5))
    assert seconds < 0.5
