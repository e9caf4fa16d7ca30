"""Choosing an LLVM."""

from __future__ import annotations

import io

import pytest

from pkgafdo import log
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.runner.command import Command, Result
from pkgafdo.toolchain.select import (
    BUILD_TOOLS,
    PROFILE_TOOLS,
    make_values,
    parse_version,
    program_name,
    select,
)
from pkgafdo.toolchain.settings import ToolchainSettings
from tests.fakes.runner import FakeRunner

TOOLS = BUILD_TOOLS + PROFILE_TOOLS


class FakeHost(FakeRunner):
    """A machine with these programs (path → what --version prints)."""

    def __init__(self, programs: dict[str, str]) -> None:
        super().__init__()
        self.programs = programs

    def which(self, program: str) -> str | None:
        path = program if "/" in program else f"/usr/bin/{program}"
        return path if path in self.programs else None

    def query(self, command: Command) -> Result:
        return Result(returncode=0, stdout=self.programs[command.program])


def llvm(version: str, suffix: str = "", folder: str = "/usr/bin/") -> dict[str, str]:
    def says(tool: str) -> str:
        if tool == "clang":
            return f"clang version {version}\nTarget: x86_64\n"
        if tool == "ld.lld":
            return f"LLD {version} (compatible with GNU linkers)\n"
        return f"{tool}, compatible\nDebian LLVM version {version}\n  Optimized build.\n"

    return {f"{folder}{tool}{suffix}": says(tool) for tool in TOOLS}


def auto(programs: dict[str, str]):
    return select(FakeHost(programs), ToolchainSettings())


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Debian clang version 19.1.7 (3~deb12u1)\n", (19, 1, 7)),
        ("Debian LLD 19.1.7 (compatible with GNU linkers)", (19, 1, 7)),
        ("LLVM (http://llvm.org/):\n  LLVM version 22.0.0git\n", (22, 0, 0)),
        ("llvm-profdata: Unknown command!\n", None),
    ],
)
def test_versions_are_read_as_the_programs_print_them(text: str, version) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("llvm_setting", "first", "program"),
    [
        ("auto", "1", "clang"),
        ("1", "1", "clang"),
        ("19", "-19", "clang-19"),
        ("-19", "-19", "clang-19"),
        ("/usr/lib/llvm-19/bin", "/usr/lib/llvm-19/bin/", "/usr/lib/llvm-19/bin/clang"),
        ("/opt/llvm/bin/", "/opt/llvm/bin/", "/opt/llvm/bin/clang"),
    ],
)
def test_a_setting_becomes_what_make_understands(
    llvm_setting: str, first: str, program: str
) -> None:
    assert make_values(llvm_setting)[0] == first
    assert program_name("clang", first) == program


def test_newer_suffixes_are_tried_first() -> None:
    values = make_values("auto")
    assert values.index("-22") < values.index("-19") < values.index("-17")


def test_a_setting_that_means_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="clang-19"):
        make_values("clang-19")


def test_the_unsuffixed_llvm_is_preferred() -> None:
    found = auto(llvm("22.1.0") | llvm("19.1.7", "-19"))
    assert (found.make_value, found.version) == ("1", (22, 1, 0))
    assert found.tools["llvm-profgen"] == "/usr/bin/llvm-profgen"


def test_an_old_unsuffixed_llvm_gives_way_to_a_suffixed_one() -> None:
    found = auto(llvm("14.0.6") | llvm("19.1.7", "-19"))
    assert found.make_value == "-19"
    assert found.tools["ld.lld"] == "/usr/bin/ld.lld-19"


def test_a_mixed_unsuffixed_llvm_gives_way_to_a_whole_suffixed_one() -> None:
    old = llvm("19.1.7")["/usr/bin/llvm-profgen"]
    mixed = llvm("22.1.8") | {"/usr/bin/llvm-profgen": old}
    assert auto(mixed | llvm("19.1.7", "-19")).make_value == "-19"
    with pytest.raises(HostError, match=r"llvm-profgen 19\.1\.7 is of another LLVM than clang 22"):
        auto(mixed)


@pytest.mark.parametrize(("chosen", "said"), [("19.1.7", True), ("22.1.9", False)])
def test_a_newer_llvm_that_is_passed_over_for_its_mixture_is_told(
    monkeypatch: pytest.MonkeyPatch, chosen: str, *, said: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(log, "_terminal", log.Terminal(stream=stream))
    old = llvm("19.1.7")["/usr/bin/llvm-profgen"]
    mixed = llvm("22.1.8") | {"/usr/bin/llvm-profgen": old}
    auto(mixed | llvm(chosen, f"-{chosen[:2]}"))
    note = (
        "LLVM 19.1.7 is used, not LLVM=1: llvm-profgen 19.1.7 is of another LLVM than clang 22.1.8"
    )
    assert (note in stream.getvalue()) is said
    assert ("pacman -Syu" in stream.getvalue()) is said


def test_of_two_an_llvm_that_makes_profiles_is_preferred() -> None:
    newer = llvm("20.1.0", "-20")
    del newer["/usr/bin/llvm-profgen-20"]
    assert auto(newer | llvm("19.1.7", "-19")).make_value == "-19"


def test_an_llvm_that_only_builds_is_taken_when_there_is_no_other() -> None:
    programs = llvm("19.1.7", "-19")
    del programs["/usr/bin/llvm-profgen-19"]
    found = auto(programs)
    assert found.make_value == "-19"
    assert "llvm-profgen" not in found.tools


def test_a_named_folder_is_used() -> None:
    folder = "/usr/lib/llvm-19/bin/"
    found = select(FakeHost(llvm("19.1.7", folder=folder)), ToolchainSettings(llvm=folder[:-1]))
    assert found.make_value == folder
    assert found.tools["clang"] == f"{folder}clang"


def test_no_llvm_at_all_names_the_packages() -> None:
    with pytest.raises(HostError, match="no LLVM is installed") as caught:
        auto({})
    assert "clang-19, lld-19, llvm-19" in caught.value.hint
    assert "Arch: clang, lld, llvm" in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_named_version_that_is_absent_is_refused_though_another_is_there() -> None:
    with pytest.raises(HostError, match="no LLVM 18 is installed"):
        select(FakeHost(llvm("19.1.7", "-19")), ToolchainSettings(llvm="18"))


def test_a_clang_that_is_too_old_is_refused_with_its_version() -> None:
    with pytest.raises(HostError, match=r"clang 16\.0\.6 is too old: AutoFDO needs 17"):
        auto(llvm("16.0.6"))


def test_parts_of_different_versions_are_refused_with_both() -> None:
    programs = llvm("22.1.0")
    programs["/usr/bin/llvm-profgen"] = "LLVM version 19.1.7\n"
    with pytest.raises(HostError) as caught:
        auto(programs)
    assert "llvm-profgen 19.1.7 is of another LLVM than clang 22.1.0" in caught.value.message


def test_an_incomplete_llvm_names_what_is_missing() -> None:
    programs = llvm("19.1.7", "-19")
    del programs["/usr/bin/ld.lld-19"], programs["/usr/bin/llvm-strip-19"]
    with pytest.raises(HostError, match=r"ld\.lld-19, llvm-strip-19 not installed"):
        auto(programs)


def test_every_candidate_is_explained_when_none_is_usable() -> None:
    mixed = llvm("19.1.7", "-19") | {"/usr/bin/ld.lld-19": "LLD 18.1.0\n"}
    with pytest.raises(HostError, match="no usable LLVM") as caught:
        auto({"/usr/bin/llvm-ar": "LLVM version 14.0.6\n"} | mixed)
    assert "LLVM=1: clang, ld.lld" in caught.value.details
    assert "LLVM=-19: ld.lld 18.1.0 is of another LLVM" in caught.value.details


def test_a_program_that_tells_no_version_is_not_trusted() -> None:
    with pytest.raises(HostError, match="/usr/bin/clang told no version"):
        auto(llvm("19.1.7") | {"/usr/bin/clang": "hello\n"})
