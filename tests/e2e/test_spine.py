"""The whole job on a real kernel: killed in every stage, finished, checked, and given bad workloads.

The tests share one work folder and run in this order: about 30 minutes on two cores.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest

from pkgafdo import elf
from pkgafdo.branches.store import read_table
from pkgafdo.host.facts import read_facts
from pkgafdo.kernel.kconfig import parse_config
from pkgafdo.kernel.settings import KernelSettings
from pkgafdo.packaging.pkginfo import is_api_headers, read_package
from pkgafdo.profile.tools import require_tool
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.vm.virtme import missing_options
from tests.e2e.configurations import BASES, configured, settings_of
from tests.e2e.patched import is_patched, unconditional_branches
from tests.e2e.spine import Spine, ratios
from tests.integration.cli.program import Ended, finished, half_written, processes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.integration.cli.program import Refusal

pytestmark = pytest.mark.kernel

KERNELS: Final = ("baseline", "optimised", "propeller")
METRICS: Final = ("instructions", "taken_branches", "l1i_misses", "itlb_misses")
LARGEST_RATIO: Final = {
    ("optimised", "baseline"): {
        ("train", "instructions"): 0.95,
        ("train", "taken_branches"): 0.58,
        ("train", "l1i_misses"): 0.68,
        ("heldout", "instructions"): 0.95,
        ("heldout", "taken_branches"): 0.62,
        ("heldout", "l1i_misses"): 0.76,
    },
    ("propeller", "optimised"): {
        ("train", "instructions"): 1.01,
        ("train", "taken_branches"): 0.88,
        ("train", "l1i_misses"): 0.85,
        ("heldout", "instructions"): 1.01,
        ("heldout", "taken_branches"): 0.92,
        ("heldout", "l1i_misses"): 0.85,
    },
}
"""What the shipped suites must reach, kernel ÷ reference: what was reached by hand on 7.2.12."""


@pytest.fixture(scope="module")
def spine(unfinished: Spine) -> Spine:
    """A work folder whose run was killed once in each stage, unless it was finished already."""
    if not set(unfinished.stages()) <= finished(unfinished.work):
        unfinished.kill_inside_each()
    return unfinished


@pytest.fixture(scope="module")
def ended(spine: Spine) -> Ended:
    """The start that brings the run to its end."""
    return spine.run()


@pytest.fixture(scope="module")
def data(ended: Ended) -> dict[str, Any]:
    """The JSON object of a finished run."""
    result: dict[str, Any] = ended.data()
    return result


def test_every_stage_was_killed_in_its_middle(spine):
    if not spine.kills:
        pytest.skip("the run was finished already")
    assert [kill.stage for kill in spine.kills if not kill.hit] == []
    assert [kill.stage for kill in spine.kills] == spine.stages()


def test_after_the_kills_the_same_command_comes_to_its_end(ended, spine):
    assert ended.code == 0, ended.stderr
    assert finished(spine.work) >= set(spine.stages())
    spine.require_no_orphans()
    assert list(processes_of(spine.work)) == []
    assert not list((spine.work / "running").glob("*"))


def test_the_json_is_complete(data, spine):
    assert data["kernel"]["release"]
    for which in KERNELS:
        assert data[which]["packages"]
        assert data[which]["vmlinux"]
        assert data[which]["image"]
    assert Path(data["profile"]["path"]).is_file()
    assert data["profile"]["functions"] > 1000
    assert data["profile"]["samples"] > 1_000_000
    for part in ("train", "heldout"):
        for metric in METRICS:
            assert set(data["measure"][part][metric]) == set(KERNELS)
            assert all(count > 0 for count in data["measure"][part][metric].values())
    assert set(data["seconds"]) >= set(spine.stages())
    assert json.loads((spine.work / "result.json").read_text()) == data


@pytest.mark.parametrize("which", KERNELS)
def test_the_packages_are_real_and_none_replaces_the_systems_headers(data, which):
    runner = LocalRunner(env=read_facts().environment)
    packages = [read_package(runner, Path(path)) for path in data[which]["packages"]]
    base = next(package.pkgbase for package in packages)
    assert {package.pkgname for package in packages} == {base, f"{base}-headers", f"{base}-debug"}
    assert {package.pkgbase for package in packages} == {base}
    assert {package.arch for package in packages} == {"x86_64"}
    assert not any(is_api_headers(package) for package in packages)
    assert base.endswith("-base") == (which == "baseline")


@pytest.mark.parametrize("which", KERNELS)
def test_image_and_vmlinux_are_installed_and_belong_together(data, spine, which):
    kernel = data[which]
    image = Path(kernel["image"])
    assert image.read_bytes()[0x202:0x206] == b"HdrS"
    assert image.parent.name == kernel["release"]
    vmlinux = Path(kernel["vmlinux"])
    assert elf.build_id(vmlinux) == kernel["build_id"]
    assert elf.has_line_tables(vmlinux)
    pkgbase = (image.parent / "pkgbase").read_text().strip()
    words = ("vmlinux", "find", "--json", "--root", kernel["root"], "--pkgbase", pkgbase)
    found = spine.pkgafdo.run(*words).data()
    assert found["build_id"] == kernel["build_id"]
    assert found["release"] == kernel["release"]


def test_the_kernels_differ_and_those_with_a_profile_say_which(data, spine):
    assert len({data[which]["build_id"] for which in KERNELS}) == len(KERNELS)
    assert len({data[which]["release"] for which in KERNELS}) == len(KERNELS)
    profile = data["profile"]["path"]
    for which in KERNELS[1:]:
        words = ("verify", "--json", "--vmlinux", data[which]["vmlinux"], "--profile", profile)
        assert all(check["ok"] for check in spine.pkgafdo.run(*words).data())
    other = spine.pkgafdo.run(
        "verify", "--vmlinux", data["baseline"]["vmlinux"], "--profile", profile
    )
    assert other.code == 5


@pytest.mark.parametrize(
    ("kernel", "reference", "part", "metric"),
    [(*kernels, *what) for kernels, bounds in LARGEST_RATIO.items() for what in bounds],
)
def test_each_kernel_does_less_than_the_one_before(data, kernel, reference, part, metric):
    bound = LARGEST_RATIO[kernel, reference][part, metric]
    assert ratios(data, part, kernel, reference)[metric] <= bound


def test_the_third_kernel_has_the_layout(data, spine):
    assert len(data["verify_layout"]) > len(data["verify"])
    checks = spine.pkgafdo.run("verify", "--json", "--workdir", spine.work).data()
    assert {
        "build salt",
        "hot and cold code",
        "address map",
        "functions",
        "cold parts",
        "order of functions",
    } == {check["name"] for check in checks}
    assert all(check["ok"] for check in checks)
    prefix = data["layout"]["cc_profile"].removesuffix("_cc_profile.txt")
    told = spine.pkgafdo.run("propeller", "inspect", prefix, "--json").data()
    assert told["functions"] == data["layout"]["functions"] > 1000


def test_a_second_complete_run_does_nothing_and_says_why(data, spine):
    before = {path.name: path.read_bytes() for path in (spine.work / "journal").iterdir()}
    again = spine.run()
    assert again.data() == data
    assert again.stderr.count("nothing it depends on has changed") == len(spine.stages())
    assert {path.name: path.read_bytes() for path in (spine.work / "journal").iterdir()} == before


def test_counting_again_gives_the_same_numbers_to_the_last_digit(data, spine):
    (spine.work / "journal/measure-train-baseline.json").unlink()
    again = spine.run().data()
    assert again["measure"] == data["measure"]


def test_no_range_passes_a_jump_but_where_the_kernel_patches_it_away(data, spine):
    runner = LocalRunner(env=read_facts().environment)
    vmlinux = Path(data["baseline"]["vmlinux"])
    objdump = require_tool(select(runner, ToolchainSettings()), "llvm-profdata")
    jumps = unconditional_branches(runner, objdump.replace("profdata", "objdump"), vmlinux)
    patched = is_patched(vmlinux, jumps)
    table = read_table(spine.work / spine.journal("record")["files"]["table"]["path"])

    def passed(places: NDArray[np.uint64]) -> int:
        following = np.searchsorted(places, table.range_start)
        reached = np.searchsorted(places, table.range_end)
        return int(table.range_count[following < reached].sum())

    assert len(jumps) > 10_000
    assert passed(jumps[patched]) > 0
    assert passed(jumps[~patched]) == 0


def test_the_sampled_stacks_are_a_recording_that_perf_reads(data, spine):
    period = 50_021
    recorded = spine.run("record", "--set", f"vm.stack_period={period}").data()["recording"]
    recording = spine.work / "recordings/train.perf.data"
    info = spine.pkgafdo.run("branches", "info", "--json", str(recording)).data()
    assert info["samples"] == recorded["branches"] // period
    assert (info["event"], info["period"]) == ("virtual-lbr", period)
    assert info["build_id"] == data["baseline"]["build_id"]
    script = Command(argv=("perf", "script", "-i", str(recording), "-F", "ip,brstack"))
    lines = LocalRunner(env=read_facts().environment).query(script).stdout.splitlines()
    assert sum("/P/" in line or "/-/" in line for line in lines) == info["samples"]


# --- bad workloads, in the same folder ----------------------------------------------------------


def test_a_command_of_this_machine_is_recorded_on_the_baseline_kernel(data, spine, tmp_path):
    options = parse_config((spine.work / "packages/baseline.config").read_text(encoding="utf-8"))
    if missing := missing_options(options):
        pytest.skip(f"built without the fragment “virtme”: no {', '.join(missing)}")
    script = "for i in 1 2 3; do ls / >/dev/null; done; echo it came to its end"
    ended = spine.run("record", "--vm", "-o", tmp_path / "vm.parquet", "--", "sh", "-c", script)
    assert ended.data()["branches"] > 100_000
    assert ended.data()["build_id"] == data["baseline"]["build_id"]
    assert (tmp_path / "vm.output").read_text(encoding="utf-8") == "it came to its end\n"


def bad_workload(
    spine: Spine, code: int, command: str, *more: str, verb: str = "record"
) -> Refusal:
    """Let a workload of one's own fail; the run is left without that recording, and with all else."""
    before, left_by_kills = finished(spine.work), half_written(spine.work)
    refusal = spine.run(verb, "--set", f"workload.command={command}", *more).refusal(code)
    assert refusal.hint
    assert before - finished(spine.work) <= {"record", "convert"}
    assert half_written(spine.work) == left_by_kills
    return refusal


def test_a_workload_that_fails_is_told_with_its_status(data, spine):
    refusal = bad_workload(spine, 4, "echo so sorry; exit 7")
    assert refusal.message == "the step “command” failed in the guest with status 7"
    assert "so sorry" in refusal.details
    console = next(word for word in refusal.hint.split() if word.endswith(".console."))
    assert "so sorry" in Path(console.rstrip(".")).read_text()
    assert "record" not in finished(spine.work)


def test_a_workload_that_is_not_there_is_told(data, spine):
    refusal = bad_workload(spine, 4, "cd /; nosuchprogram --now")
    assert refusal.message.endswith("with status 127")
    assert "nosuchprogram" in refusal.details


def test_a_workload_that_hangs_is_killed(data, spine):
    refusal = bad_workload(spine, 4, "while :; do :; done", "--set", "workload.step_timeout=2")
    assert refusal.message == "the step “command” hung and was killed in the guest"


def test_a_guest_that_never_ends_is_ended(data, spine):
    more = ("--set", "workload.step_timeout=100000", "--set", "vm.timeout=20")
    refusal = bad_workload(spine, 4, "while :; do :; done", *more)
    assert refusal.message.startswith("the guest did not finish: ")
    assert "20 s" in refusal.message
    assert list(processes_of(spine.work)) == []


def test_a_workload_that_panics_the_guest_is_told_with_the_console(data, spine):
    refusal = bad_workload(spine, 4, "echo c > /proc/sysrq-trigger")
    assert refusal.message.startswith("the guest's kernel broke: ")
    assert "sysrq" in refusal.details


def test_a_workload_that_powers_off_is_not_taken_for_finished(data, spine):
    refusal = bad_workload(spine, 4, "poweroff -f")
    assert refusal.message == "the guest stopped before the workload had finished"


def test_a_workload_that_hardly_does_anything_makes_no_profile(data, spine):
    refusal = bad_workload(spine, 5, "ls /", "--set", "profile.min_samples=1000000", verb="convert")
    assert "profile is too thin" in refusal.message
    assert "(1000000 are needed)" in refusal.details
    assert "[profile]" in refusal.hint


def test_a_profile_of_too_few_functions_is_refused_with_the_numbers(data, spine):
    refusal = spine.run("convert", "--set", "profile.min_functions=100000").refusal(5)
    assert "profile is too thin" in refusal.message
    shown = re.search(r"it names (\d+) functions \(100000 are needed\)", refusal.details)
    assert shown is not None
    # The profile's own number has those of the modules beside.
    assert 1000 < int(shown[1]) <= data["profile"]["functions"]
    assert "convert" not in finished(spine.work)


def test_after_all_that_a_plain_run_is_whole_again_and_builds_nothing(data, spine):
    ended = spine.run()
    again = ended.data()
    for key in ("kernel", *KERNELS, "layout", "measure"):
        assert again[key] == data[key]
    assert again["profile"]["sha256"] == data["profile"]["sha256"]
    built = [line for line in ended.stderr.splitlines() if " build the " in line]
    assert len(built) == len(KERNELS)
    assert all("nothing it depends on has changed" in line for line in built)


def test_a_recording_that_was_lost_is_made_again_with_the_same_content(data, spine):
    entry = spine.journal("record")
    (spine.work / entry["files"]["table"]["path"]).unlink()
    shutil.rmtree(spine.work / "guest", ignore_errors=True)
    ended = spine.run()
    assert "is missing)" in ended.stderr
    assert ended.data()["profile"]["sha256"] == data["profile"]["sha256"]


def test_a_real_tree_takes_every_base_as_far_as_its_configuration(data, spine, tmp_path):
    tree = Path(spine.journal("source")["facts"]["path"])
    folder = tmp_path / "defconfig"
    default = configured(tree, folder, KernelSettings(base="defconfig"), running=tmp_path / "none")
    text = (folder / "objects/.config").read_text()
    for base in BASES:
        settings, running = settings_of(base, tmp_path, text)
        options = configured(tree, tmp_path / base, settings, running)
        if base == "localmodconfig":
            assert list(options.values()).count("m") < list(default.values()).count("m")
        else:
            assert options == default
