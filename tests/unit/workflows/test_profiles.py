"""Work on profiles outside a run, with LLVM's programs scripted."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files, log
from pkgafdo.branches.meta import ModuleMapping, TableMeta
from pkgafdo.branches.store import write_table
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.profile.convert import Tool
from pkgafdo.profile.drift import Verdict
from pkgafdo.profile.merge import WeightedProfile
from pkgafdo.profile.provenance import Provenance, provenance_path, write_provenance
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.command import Result
from pkgafdo.workflows import judging, profiles
from pkgafdo.workflows.judging import Gates
from pkgafdo.workflows.profiles import Order, Workbench
from tests.unit import elf_files
from tests.unit.branches.tables import BUILD_ID, TEXT, table_of
from tests.unit.profile.programs import TOOLCHAIN, profile_tools, recorded, writes_output

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = ProfileSettings(min_functions=1, min_samples=1, min_found_share=0.1)
CLANG = replace(
    TOOLCHAIN,
    tools={**TOOLCHAIN.tools, "clang": "/usr/bin/clang", "ld.lld": "/usr/bin/ld.lld"},
)


def bench(folder: Path, **answers) -> Workbench:
    runner = profile_tools(**answers)
    return Workbench(runner=runner, toolchain=CLANG, settings=SETTINGS, cache=folder / "cache")


@pytest.fixture
def order(tmp_path) -> Order:
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    meta = TableMeta(build_id=BUILD_ID, kernelrelease="7.2.13", extra={"workload": "train"})
    table = table_of([(TEXT + 4, TEXT + 16, 5, 0)], [(TEXT + 16, TEXT + 20, 5)], meta)
    write_table(table, tmp_path / "table")
    return Order(
        sources=(tmp_path / "table",),
        vmlinux=tmp_path / "vmlinux",
        output=tmp_path / "out/k.afdo",
    )


@pytest.fixture
def profile(tmp_path):
    """A profile with its provenance."""

    def make(name: str, counts: int = 112_692, **origin):
        path = tmp_path / name
        path.write_bytes(name.encode())
        known = {"kernelrelease": "7.2.13", "tools": {"llvm-profgen": "19.1.7"}} | origin
        write_provenance(
            path,
            Provenance(
                profile_sha256=files.sha256_file(path), functions=59, counts=counts, **known
            ),
        )
        return path

    return make


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_table_becomes_a_profile_with_its_provenance(tmp_path, order) -> None:
    conversion, provenance = profiles.convert_sources(bench(tmp_path), order)
    assert names(order.output.parent) == ["k.afdo", "k.afdo.json"]
    assert conversion.profile.path == order.output
    plain = json.loads(provenance_path(order.output).read_text())
    assert plain["profile_sha256"] == files.sha256_file(order.output)
    assert (plain["workload"], plain["kernelrelease"]) == ("train", "7.2.13")
    assert plain["converter"] == provenance.converter == "llvm-profgen"
    assert plain["tools"] == {"clang": "19.1.7", "llvm-profgen": "19.1.7"}


def test_a_mismatch_that_was_allowed_is_written_down(tmp_path, order) -> None:
    order.vmlinux.write_bytes(elf_files.vmlinux(build_id=b"another build-id"))
    with pytest.raises(ArtifactError, match="another kernel"):
        profiles.convert_sources(bench(tmp_path), order)
    assert not order.output.exists()
    profiles.convert_sources(bench(tmp_path), replace(order, allow_mismatch=True))
    assert json.loads(provenance_path(order.output).read_text())["mismatch"] is True


@pytest.mark.parametrize("first", [True, False])
def test_a_foreign_recording_among_several_is_written_down_wherever_it_stands(
    tmp_path, order, first
) -> None:
    write_table(table_of(meta=TableMeta(build_id="beef")), tmp_path / "foreign")
    pair = (tmp_path / "foreign", order.sources[0])
    several = replace(order, sources=pair if first else pair[::-1], allow_mismatch=True)
    _, provenance = profiles.convert_sources(bench(tmp_path), several)
    assert provenance.mismatch is True


@pytest.mark.parametrize(("lost", "warned"), [(1100, False), (1200, True)])
def test_a_recording_that_lost_much_is_warned_of(tmp_path, order, lost, warned) -> None:
    meta = TableMeta(build_id=BUILD_ID, samples=10_000, lost=lost)
    table = table_of([(TEXT + 4, TEXT + 16, 5, 0)], [(TEXT + 16, TEXT + 20, 5)], meta)
    write_table(table, order.sources[0])
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    profiles.convert_sources(bench(tmp_path), order)
    log.use(log.Terminal())
    assert ("11% of the samples were lost" in stream.getvalue()) is warned


def test_a_failure_leaves_the_older_profile_as_it_was(tmp_path, order) -> None:
    order.output.parent.mkdir()
    order.output.write_bytes(b"older")
    with pytest.raises(ArtifactError):
        profiles.convert_sources(
            bench(
                tmp_path, show=Result(returncode=0, stdout=recorded("llvm-profdata-19-empty.txt"))
            ),
            replace(order, tool=Tool.PROFGEN),
        )
    assert order.output.read_bytes() == b"older"
    assert names(order.output.parent) == ["k.afdo"]


def test_modules_that_cannot_be_profiled_are_in_the_provenance(tmp_path, order) -> None:
    module = ModuleMapping(name="nvidia", sections=((".text", TEXT + 2**24),), size=4096)
    meta = TableMeta(build_id=BUILD_ID, modules=(module,))
    rows = [(TEXT + 4, TEXT + 16, 5, 0), (TEXT + 2**24, TEXT + 2**24 + 8, 2, 0)]
    write_table(table_of(rows, [], meta), order.sources[0])
    (tmp_path / "objects").mkdir()
    for objects, why in (
        (tmp_path / "objects", "the build has no .ko of this name"),
        (None, "no build folder was named"),
    ):
        _, provenance = profiles.convert_sources(bench(tmp_path), replace(order, modules=objects))
        assert provenance.modules_left_out == {"nvidia": why}
        assert provenance.dropped == {"no-module": 2}


def test_a_modules_folder_that_is_none_is_a_usage_error(tmp_path, order) -> None:
    with pytest.raises(ConfigError, match="no folder with modules"):
        profiles.convert_sources(bench(tmp_path), replace(order, modules=tmp_path / "gone"))


def test_a_tool_can_read_only_one_perf_data_file_itself(tmp_path, order) -> None:
    with pytest.raises(ConfigError, match=r"one perf\.data file"):
        profiles.convert_sources(bench(tmp_path), replace(order, direct=True))


def test_merging_writes_where_the_profile_comes_from(tmp_path, profile) -> None:
    inputs = [WeightedProfile(path=profile("a")), WeightedProfile(path=profile("b"), weight=3)]
    merged, provenance = profiles.merge_sources(bench(tmp_path), inputs, tmp_path / "out/m.afdo")
    assert names(tmp_path / "out") == ["m.afdo", "m.afdo.json"]
    assert merged.path.read_bytes() == b"profile"
    assert [weight for _, weight in provenance.merged_from] == [1, 3]


def test_normalising_multiplies_the_weights(tmp_path, profile) -> None:
    small = profile("small", counts=1127)
    inputs = [WeightedProfile(path=profile("big")), WeightedProfile(path=small, weight=2)]
    _, provenance = profiles.merge_sources(
        bench(tmp_path), inputs, tmp_path / "m.afdo", normalise=True
    )
    assert [weight for _, weight in provenance.merged_from] == [1, 200]


def test_the_total_of_a_profile_without_provenance_is_asked_of_llvm(tmp_path, profile) -> None:
    (tmp_path / "bare").write_bytes(b"bare")
    inputs = [
        WeightedProfile(path=profile("big", counts=1_126_920)),
        WeightedProfile(path=tmp_path / "bare"),
    ]
    _, provenance = profiles.merge_sources(
        bench(tmp_path), inputs, tmp_path / "m.afdo", normalise=True
    )
    assert [weight for _, weight in provenance.merged_from] == [1, 10]
    assert provenance.merged_from[1][0] == files.sha256_file(tmp_path / "bare")


def test_the_profile_that_is_none_is_named(tmp_path, profile) -> None:
    (tmp_path / "bad").write_bytes(b"bad")

    def show(command):
        bad = command.argv[-1].endswith("bad")
        return (
            Result(returncode=1, stderr="Unrecognized") if bad else profile_tools().answers["show"]
        )

    inputs = [WeightedProfile(path=profile("a")), WeightedProfile(path=tmp_path / "bad")]
    with pytest.raises(ArtifactError, match="bad is not a sample profile"):
        profiles.merge_sources(
            bench(tmp_path, show=show, merge=Result(returncode=1)), inputs, tmp_path / "m.afdo"
        )
    with pytest.raises(ArtifactError, match="There is no profile"):
        profiles.merge_sources(
            bench(tmp_path), [WeightedProfile(path=tmp_path / "gone")], tmp_path / "m.afdo"
        )


def test_profiles_of_two_kernels_are_not_merged(tmp_path, profile) -> None:
    inputs = [
        WeightedProfile(path=profile("a")),
        WeightedProfile(path=profile("b", kernelrelease="7.1.0")),
    ]
    with pytest.raises(ArtifactError, match="different kernels"):
        profiles.merge_sources(bench(tmp_path), inputs, tmp_path / "m.afdo")
    assert not (tmp_path / "m.afdo").exists()
    profiles.merge_sources(bench(tmp_path), inputs, tmp_path / "m.afdo", allow_mismatch=True)


def test_a_profile_is_described_and_with_a_kernel_its_coverage(tmp_path, order, profile) -> None:
    def show(command):
        brief = any(word.startswith("--function") for word in command.argv)
        name = "llvm-profdata-19-summary.txt" if brief else "llvm-profdata-19-functions.txt"
        return Result(returncode=0, stdout=recorded(name))

    path = profile("a")
    alone = judging.describe_profile(bench(tmp_path, show=show), path, None)
    assert alone["functions"] == 59
    assert alone["provenance"]["kernelrelease"] == "7.2.13"
    assert "coverage" not in alone
    against = judging.describe_profile(bench(tmp_path, show=show), path, order.vmlinux)
    assert against["coverage"]["profiled_functions"] == 0
    assert against["density"] == 0.0


def gates_of(tmp_path, path, gates, **answers):
    return judging.check(bench(tmp_path, **answers), path, gates)


def test_a_good_profile_passes(tmp_path, profile) -> None:
    path = profile("a")
    findings = gates_of(tmp_path, path, Gates(has_provenance=True))
    assert findings == []
    judging.require_checked(path, findings)


def test_each_gate_has_its_finding(tmp_path, order, profile) -> None:
    path, base = profile("a", mismatch=True), profile("base")
    overlap = Result(returncode=0, stdout=recorded("llvm-profdata-19-overlap.txt"))
    text = Result(returncode=0, stdout="gone:9:1\n 1: 9\n")
    findings = gates_of(
        tmp_path, path,
        Gates(vmlinux=order.vmlinux, at_least=Verdict.FRESH, base=base, similarity=1.0),
        merge=text, overlap=overlap,
    )  # fmt: skip
    assert len(findings) == 3
    assert "build-id, addresses or release were not known to fit" in findings[0]
    assert "it is stale for" in findings[1]
    assert "fresh is needed" in findings[1]
    assert "100.0% is needed" in findings[2]
    with pytest.raises(ArtifactError, match="does not pass") as caught:
        judging.require_checked(path, findings)
    assert caught.value.exit_code == 5


def test_a_profile_without_provenance_fails_where_it_is_asked_for(tmp_path) -> None:
    (tmp_path / "k").write_bytes(b"k")
    assert gates_of(tmp_path, tmp_path / "k", Gates()) == []
    assert gates_of(tmp_path, tmp_path / "k", Gates(has_provenance=True)) == [
        "it has no provenance"
    ]


def test_a_provenance_without_a_compared_build_id_fails_where_one_is_asked_for(
    tmp_path, profile
) -> None:
    path = profile("silent", build_id_checked=False)
    assert gates_of(tmp_path, path, Gates()) == []
    [finding] = gates_of(tmp_path, path, Gates(has_provenance=True))
    assert "says its build-id" in finding


def test_a_trimmed_or_merged_orphan_fails_where_a_provenance_is_asked_for(
    tmp_path, profile
) -> None:
    (tmp_path / "k").write_bytes(b"k")

    def merge(command):
        if "--text" in command.argv:
            return Result(returncode=0, stdout="hot:9:1\n 1: 9\n")
        return writes_output()(command)

    work = bench(tmp_path, merge=merge)
    profiles.trim(work, tmp_path / "k", 0.5, tmp_path / "trimmed")
    inputs = [WeightedProfile(path=profile("a")), WeightedProfile(path=tmp_path / "trimmed")]
    profiles.merge_sources(work, inputs, tmp_path / "merged")
    for name in ("trimmed", "merged"):
        [finding] = gates_of(tmp_path, tmp_path / name, Gates(has_provenance=True))
        assert finding.startswith("it was made of a profile without provenance")
        assert gates_of(tmp_path, tmp_path / name, Gates()) == []


def test_drift_is_plain_data_with_a_verdict(tmp_path, order, profile) -> None:
    text = Result(returncode=0, stdout="gone:9:1\n 1: 9\n")
    found = judging.drift(bench(tmp_path, merge=text), profile("a"), order.vmlinux)
    assert found["verdict"] == "stale"
    assert json.loads(json.dumps(found))["lost"] == [["gone", 1.0]]


def test_a_trimmed_profile_says_what_it_was_made_of(tmp_path, profile) -> None:
    path = profile("a")

    def merge(command):
        if "--text" in command.argv:
            return Result(returncode=0, stdout="hot:9:1\n 1: 9\ncold:1:1\n 1: 1\n")
        return writes_output()(command)

    data = profiles.trim(bench(tmp_path, merge=merge), path, 0.5, tmp_path / "t.afdo")
    assert (data["dropped"], data["kept_share"]) == (1, 0.9)
    plain = json.loads(provenance_path(tmp_path / "t.afdo").read_text())
    assert plain["merged_from"] == [[files.sha256_file(path), 1]]
    assert plain["kernelrelease"] == "7.2.13"
