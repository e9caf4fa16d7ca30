"""Converting, judging, merging and comparing with the real LLVM programs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo import elf
from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.branches.texts import unsymbolized_profile, write_lines
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.compare import compare_profiles
from pkgafdo.profile.info import cover, read_functions, read_info
from pkgafdo.profile.merge import WeightedProfile, merge_profiles
from pkgafdo.profile.profgen import convert_table, profgen_command
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.profile.show import parse_summary, summary_command
from pkgafdo.profile.tools import tool_version

pytestmark = pytest.mark.real

SETTINGS = ProfileSettings(min_functions=50, min_samples=10_000)


@pytest.fixture(scope="module")
def conversion(runner, toolchain, vmlinux, table, tmp_path_factory):
    return convert_table(
        runner, toolchain,
        table=table, vmlinux=vmlinux, folder=tmp_path_factory.mktemp("out"), settings=SETTINGS,
    )  # fmt: skip


def test_exact_counts_become_a_profile_of_the_functions_that_ran(
    runner, toolchain, vmlinux, table, conversion
) -> None:
    functions = read_functions(runner, toolchain, conversion.profile.path)
    symbols = elf.symbols(vmlinux.path)
    ran = set(symbols.names(set(symbols.find(table.branch_from).tolist())))
    assert set(functions) == ran
    assert conversion.quality.functions == len(ran) > 100
    assert conversion.quality.found.share == 1.0
    assert conversion.quality.found.branches == table.branches


def test_addresses_taken_for_offsets_would_give_an_empty_profile(
    runner, toolchain, vmlinux, table, tmp_path
) -> None:
    write_lines(tmp_path / "counts", unsymbolized_profile(table))
    command = profgen_command(
        toolchain.tools["llvm-profgen"],
        binary=vmlinux.path,
        counts=tmp_path / "counts",
        output=tmp_path / "k.afdo",
    )
    argv = tuple(word for word in command.argv if word != "--use-offset=0")
    runner.run(replace(command, argv=argv))
    summary = summary_command(toolchain.tools["llvm-profdata"], tmp_path / "k.afdo")
    assert parse_summary(runner.query(summary).stdout).functions == 0


def test_a_recording_at_wrong_addresses_is_refused(
    runner, toolchain, vmlinux, table, tmp_path
) -> None:
    shifted = from_counts(
        (table.branch_from + 2**28, table.branch_to + 2**28, *table.branch_columns[2:]),
        (table.range_start + 2**28, table.range_end + 2**28, table.range_count),
        TableMeta(build_id=vmlinux.build_id),
    )
    with pytest.raises(ArtifactError, match="is empty"):
        convert_table(
            runner, toolchain,
            table=shifted, vmlinux=vmlinux, folder=tmp_path / "out", settings=SETTINGS,
        )  # fmt: skip
    assert list((tmp_path / "out").iterdir()) == []


def test_the_same_table_gives_the_same_bytes(
    runner, toolchain, vmlinux, table, conversion, tmp_path
) -> None:
    again = convert_table(
        runner, toolchain, table=table, vmlinux=vmlinux, folder=tmp_path, settings=SETTINGS
    )
    assert again.profile.path.name == conversion.profile.path.name


def test_merging_multiplies_by_the_weights_in_any_order(
    runner, toolchain, conversion, tmp_path
) -> None:
    one = WeightedProfile(path=conversion.profile.path)
    three = replace(one, weight=3)
    first = merge_profiles(runner, toolchain, [one, three], folder=tmp_path / "a")
    second = merge_profiles(runner, toolchain, [three, one], folder=tmp_path / "b")
    assert first.samples == 4 * conversion.profile.samples
    assert first.sha256 == second.sha256


def test_merging_in_batches_gives_the_same_bytes(runner, toolchain, conversion, tmp_path) -> None:
    one = WeightedProfile(path=conversion.profile.path)
    inputs = [replace(one, weight=weight) for weight in (1, 3, 1, 2, 5)]
    whole = merge_profiles(runner, toolchain, inputs, folder=tmp_path / "a")
    parts = merge_profiles(runner, toolchain, inputs, folder=tmp_path / "b", batch=1)
    assert parts.sha256 == whole.sha256
    assert parts.samples == 12 * conversion.profile.samples


def test_a_profile_overlaps_itself_wholly(runner, toolchain, conversion) -> None:
    path = conversion.profile.path
    comparison = compare_profiles(runner, toolchain, path, path)
    assert comparison.overlap.similarity == 1.0
    assert comparison.overlap.samples == 1.0
    assert (comparison.gained, comparison.lost, comparison.movers) == ((), (), ())


def test_coverage_names_the_part_of_the_code_that_ran(
    runner, toolchain, vmlinux, conversion
) -> None:
    functions = read_functions(runner, toolchain, conversion.profile.path)
    coverage = cover(functions, elf.symbols(vmlinux.path))
    assert coverage.foreign == 0
    assert coverage.profiled_functions == len(functions)
    assert 0 < coverage.profiled_bytes <= coverage.code_bytes


def test_a_file_that_is_no_profile_is_refused(runner, toolchain, tmp_path) -> None:
    (tmp_path / "k.afdo").write_text("not a profile")
    with pytest.raises(ArtifactError, match="not a sample profile") as caught:
        read_info(runner, toolchain, tmp_path / "k.afdo")
    assert "Unrecognized" in caught.value.details


def test_the_tools_say_their_version(runner, toolchain) -> None:
    major = tool_version(runner, toolchain.tools["llvm-profgen"]).partition(".")[0]
    assert int(major) >= 19
