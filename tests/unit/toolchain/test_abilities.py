"""What the programs of an LLVM can do."""

from __future__ import annotations

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command, Result
from pkgafdo.toolchain import abilities
from tests.fakes.runner import FakeRunner

TOOLCHAIN = Toolchain(
    make_value="-19",
    version=(19, 1, 7),
    tools={
        "clang": "/usr/bin/clang-19",
        "llvm-profgen": "/usr/bin/llvm-profgen-19",
        "llvm-profdata": "/usr/bin/llvm-profdata-19",
    },
)


def profgen(*unknown: str) -> Result:
    lines = [
        f"llvm-profgen: Unknown command line argument '{option}'.  Try: 'llvm-profgen --help'\n"
        "llvm-profgen: Did you mean '--up'?\n"
        for option in unknown
    ]
    lines.append("llvm-profgen: for the --output option: must be specified at least once!\n")
    return Result(returncode=1, stderr="".join(lines))


def test_an_option_is_known_unless_the_program_complains() -> None:
    runner = FakeRunner(
        answers={"llvm-profgen-19": profgen("--perf-binary=none", "--time-profgen")}
    )
    known = abilities.probe_profgen(runner, "/usr/bin/llvm-profgen-19")
    assert known == frozenset(abilities.PROFGEN_OPTIONS) - {"--perf-binary", "--time-profgen"}


def test_an_absent_program_can_do_nothing() -> None:
    assert abilities.probe_profgen(FakeRunner(), None) == frozenset()


def test_an_llvm_19_can_convert() -> None:
    runner = FakeRunner(answers={"llvm-profgen-19": profgen()})
    assert abilities.require_conversion(runner, TOOLCHAIN) == "/usr/bin/llvm-profgen-19"


def test_an_older_llvm_cannot_convert_and_the_missing_options_are_named() -> None:
    runner = FakeRunner(answers={"llvm-profgen-19": profgen("--kernel", "--use-offset=0")})
    with pytest.raises(HostError, match="too old: it lacks --kernel, --use-offset") as caught:
        abilities.require_conversion(runner, TOOLCHAIN)
    assert "Debian: llvm-19" in caught.value.hint


@pytest.mark.parametrize("absent", ["llvm-profgen", "llvm-profdata"])
def test_both_profile_tools_are_needed(absent: str) -> None:
    tools = {name: path for name, path in TOOLCHAIN.tools.items() if name != absent}
    toolchain = Toolchain(make_value="-19", version=(19, 1, 7), tools=tools)
    runner = FakeRunner(answers={"llvm-profgen-19": profgen()})
    with pytest.raises(HostError, match="not both installed"):
        abilities.require_conversion(runner, toolchain)


def test_the_compiler_can_do_what_it_compiles_nothing_with() -> None:
    def compiles(command: Command) -> Result:
        return Result(returncode=int("-fbasic-block-address-map" in command.argv))

    runner = FakeRunner(answers={"clang-19": compiles, "llvm-profgen-19": profgen()})
    found = abilities.probe(runner, TOOLCHAIN)
    assert found.clang == frozenset(abilities.CLANG_OPTIONS) - {"bb-address-map"}
    assert "--kernel" in found.profgen


def test_probing_opens_and_writes_no_file() -> None:
    command = abilities.clang_command("clang", ("-O2",))
    assert command.argv == (*("clang", "-O2", "-c", "-x", "c", "/dev/null"), "-o", "/dev/null")
    assert "--output" not in " ".join(abilities.profgen_command("llvm-profgen").argv)


def refusing(*flags: str) -> FakeRunner:
    """Return a runner whose clang refuses some flags."""

    def clang(command: Command) -> Result:
        refused = [flag for flag in flags if flag in command.argv]
        return Result(returncode=1 if refused else 0)

    return FakeRunner(answers={"clang-19": clang})


@pytest.mark.parametrize("old", ["-fbasic-block-address-map", "-fbasic-block-sections=labels"])
def test_either_spelling_of_the_address_map_will_do(old: str) -> None:
    runner = refusing(old)
    abilities.require_address_map(runner, TOOLCHAIN)
    assert runner.queried


def test_a_clang_that_knows_no_address_map_is_refused() -> None:
    runner = refusing("-fbasic-block-address-map", "-fbasic-block-sections=labels")
    with pytest.raises(HostError, match="which Propeller needs") as caught:
        abilities.require_address_map(runner, TOOLCHAIN)
    assert "propeller.enable=false" in caught.value.hint


def test_functions_are_aligned_to_cache_lines_only_in_a_kernel_with_a_layout() -> None:
    runner = refusing()
    plain = abilities.find_tuning(runner, TOOLCHAIN, laid_out=False)
    assert abilities.find_tuning(runner, TOOLCHAIN, laid_out=True) == (
        *plain,
        "-align-all-functions=6",
    )
    assert plain


def test_options_that_this_llvm_does_not_know_are_left_out() -> None:
    runner = refusing("-align-all-functions=6", "-import-hot-multiplier=60")
    found = abilities.find_tuning(runner, TOOLCHAIN, laid_out=True)
    assert found == ("-enable-ext-tsp-block-placement",)
