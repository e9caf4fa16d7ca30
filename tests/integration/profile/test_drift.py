"""Drift, trimming and the tools' own reading, with the real LLVM programs."""

from __future__ import annotations

import pytest

from pkgafdo import elf
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.meta import TableMeta
from pkgafdo.profile.compare import compare_profiles
from pkgafdo.profile.drift import Verdict, measure_drift
from pkgafdo.profile.info import density, read_functions
from pkgafdo.profile.profgen import convert_table
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.profile.trim import sections_command, trim_profile
from tests.integration import tiny_kernel

pytestmark = pytest.mark.real

SETTINGS = ProfileSettings(min_functions=50, min_samples=10_000)


@pytest.fixture(scope="module")
def profile(runner, toolchain, vmlinux, table, tmp_path_factory):
    return convert_table(
        runner, toolchain,
        table=table, vmlinux=vmlinux, folder=tmp_path_factory.mktemp("out"), settings=SETTINGS,
    ).profile.path  # fmt: skip


@pytest.fixture(scope="module")
def rebuild(runner, toolchain, tmp_path_factory):
    """Build another kernel like the tiny one."""

    def build(text: str, *flags: str):
        tools = toolchain.tools
        return tiny_kernel.build(
            runner, tmp_path_factory.mktemp("newer"),
            clang=tools["clang"], lld=tools["ld.lld"], text=text, flags=flags,
        )  # fmt: skip

    return build


def test_the_kernel_itself_and_another_build_of_its_source_are_fresh(
    runner, toolchain, vmlinux, profile, rebuild
) -> None:
    same = measure_drift(runner, toolchain, profile, vmlinux.path)
    assert same.verdict is Verdict.FRESH
    assert same.function_share == 1.0
    assert same.line_share > 0.99
    other = rebuild(tiny_kernel.source(), "-fno-unroll-loops", "-falign-functions=64")
    assert measure_drift(runner, toolchain, profile, other).verdict is Verdict.FRESH


def test_text_above_the_functions_changes_nothing(runner, toolchain, profile, rebuild) -> None:
    newer = rebuild("/*\n * A licence.\n */\n\n" + tiny_kernel.source())
    assert measure_drift(runner, toolchain, profile, newer).verdict is Verdict.FRESH


def test_functions_that_are_gone_are_named(runner, toolchain, profile, rebuild) -> None:
    newer = rebuild(tiny_kernel.source().replace("work_7(", "renamed_7("))
    found = measure_drift(runner, toolchain, profile, newer)
    assert [name for name, _ in found.lost] == ["work_7"]
    assert found.functions_found == found.functions - 1


def test_lines_that_moved_within_their_functions_make_it_stale(
    runner, toolchain, profile, rebuild
) -> None:
    text = tiny_kernel.source()
    moved = text.replace("    u64 sum = 0;", "    u64 sum = 0;\n\n\n    sum += x == 4711;\n\n\n\n")
    found = measure_drift(runner, toolchain, profile, rebuild(moved))
    assert found.function_share == 1.0
    assert found.line_share < 0.75 < found.range_share
    assert found.verdict is Verdict.STALE
    assert found.moved


def test_a_trimmed_profile_has_the_hot_functions_alone(
    runner, toolchain, profile, tmp_path
) -> None:
    before = read_functions(runner, toolchain, profile)
    trimmed = trim_profile(runner, toolchain, profile, least_share=0.01, folder=tmp_path)
    after = read_functions(runner, toolchain, trimmed.profile.path)
    least = 0.01 * sum(before.values())
    assert after == {name: count for name, count in before.items() if count >= least}
    assert 0 < len(after) < len(before)
    assert trimmed.dropped == len(before) - len(after)
    comparison = compare_profiles(runner, toolchain, profile, trimmed.profile.path)
    assert comparison.gained == ()


def test_trimming_nothing_gives_the_same_bytes_with_flow_sensitive_discriminators(
    runner, toolchain, rebuild, tmp_path
) -> None:
    path = rebuild(tiny_kernel.source(), "-mllvm", "-enable-fs-discriminator=true")
    kernel = Vmlinux(path=path, build_id=tiny_kernel.require_build_id(path))
    code = tiny_kernel.disassemble(runner, toolchain.tools["llvm-objdump"], path)
    taken = tiny_kernel.walk(code, tiny_kernel.starts(path), 60_000)
    table = tiny_kernel.count(taken, TableMeta(build_id=kernel.build_id))
    made = convert_table(
        runner, toolchain, table=table, vmlinux=kernel, folder=tmp_path, settings=SETTINGS
    ).profile
    command = sections_command(toolchain.tools["llvm-profdata"], made.path)
    assert "{fs-discriminator}" in runner.query(command).stdout
    same = trim_profile(runner, toolchain, made.path, least_share=1e-9, folder=tmp_path / "t")
    assert same.profile.sha256 == made.sha256


def test_the_density_is_that_of_a_hot_function(runner, toolchain, vmlinux, profile) -> None:
    totals = read_functions(runner, toolchain, profile)
    symbols = elf.symbols(vmlinux.path)
    sizes = dict(
        zip(
            symbols.names(symbols.functions()),
            symbols.size[symbols.functions()].tolist(),
            strict=True,
        )
    )
    assert density(totals, symbols) in {count / sizes[name] for name, count in totals.items()}
