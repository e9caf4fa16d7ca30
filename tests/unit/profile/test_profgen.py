"""Converting with llvm-profgen."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo import log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.meta import DropReason, TableMeta
from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.profile.profgen import convert_table, profgen_command
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.command import Result
from tests.unit import elf_files
from tests.unit.branches.tables import BUILD_ID, TEXT, table_of
from tests.unit.profile.programs import TOOLCHAIN, profile_tools, recorded

LENIENT = ProfileSettings(min_functions=1, min_samples=1, min_found_share=0.1)
TABLE = table_of(
    [(TEXT + 4, TEXT + 16, 5, 0), (1, 2, 1, 0)],
    [(TEXT + 16, TEXT + 20, 5), (TEXT + 16, TEXT + 40, 7), (9, 1, 3)],
)


@pytest.fixture
def vmlinux(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.vmlinux())
    return Vmlinux(path=path, build_id=BUILD_ID)


@pytest.fixture
def messages():
    """What the user is told."""
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def convert(runner, vmlinux, *, table=TABLE, settings=LENIENT, toolchain=TOOLCHAIN, **options):
    return convert_table(
        runner,
        toolchain,
        table=table,
        vmlinux=vmlinux,
        folder=vmlinux.path.parent / "out",
        settings=settings,
        **options,
    )


def left_over(vmlinux) -> list[str]:
    return sorted(path.name for path in (vmlinux.path.parent / "out").glob("*"))


def test_the_command_takes_link_addresses() -> None:
    command = profgen_command(
        "/usr/bin/llvm-profgen", binary=Path("vmlinux"), counts=Path("c"), output=Path("o")
    )
    assert command.argv == (
        "/usr/bin/llvm-profgen",
        "--kernel",
        "--binary=vmlinux",
        "--unsymbolized-profile=c",
        "--use-offset=0",
        "--format=extbinary",
        "--output=o",
    )


def test_a_profile_is_named_by_its_digest(vmlinux) -> None:
    conversion = convert(profile_tools(), vmlinux)
    profile = conversion.profile
    assert profile.path.read_bytes() == b"profile"
    assert profile.path.name == f"kernel-{profile.sha256[:16]}.afdo"
    assert (profile.functions, profile.samples) == (59, 112_692)
    assert left_over(vmlinux) == [profile.path.name]


def test_llvm_profgen_gets_the_kernels_records_without_the_impossible_ones(vmlinux) -> None:
    seen = []

    def answer(command):
        words = dict(word.split("=", 1) for word in command.argv if "=" in word)
        seen.append(Path(words["--unsymbolized-profile"]).read_text())
        Path(words["--output"]).write_bytes(b"x")
        return Result(returncode=0)

    conversion = convert(profile_tools(**{"llvm-profgen": answer}), vmlinux)
    assert seen == [
        "1\nffffffff81000010-ffffffff81000014:5\n1\nffffffff81000004->ffffffff81000010:5\n"
    ]
    assert conversion.table.meta.dropped == {
        DropReason.BOGUS_RANGE: 3,
        DropReason.CROSS_FUNCTION: 7,
        DropReason.OUTSIDE_TEXT: 1,
    }


def test_an_empty_profile_is_refused_and_removed(vmlinux) -> None:
    empty = Result(returncode=0, stdout=recorded("llvm-profdata-19-empty.txt"))
    with pytest.raises(ArtifactError, match="is empty"):
        convert(profile_tools(show=empty), vmlinux)
    assert left_over(vmlinux) == []


def test_a_thin_profile_is_refused_and_removed(vmlinux) -> None:
    with pytest.raises(ArtifactError, match="too thin"):
        convert(profile_tools(), vmlinux, settings=replace(LENIENT, min_functions=60))
    assert left_over(vmlinux) == []


def test_no_output_at_all_is_refused(vmlinux) -> None:
    runner = profile_tools(**{"llvm-profgen": Result(returncode=0)})
    with pytest.raises(ArtifactError, match="wrote no profile"):
        convert(runner, vmlinux)


def test_a_failing_llvm_profgen_leaves_nothing(vmlinux) -> None:
    runner = profile_tools(**{"llvm-profgen": Result(returncode=1, stderr="error: broken")})
    with pytest.raises(CommandError, match="exit code 1"):
        convert(runner, vmlinux)
    assert left_over(vmlinux) == []


def test_a_recording_of_another_kernel_is_refused_before_anything_runs(vmlinux) -> None:
    runner = profile_tools()
    with pytest.raises(ArtifactError, match="of another kernel") as caught:
        convert(runner, replace(vmlinux, build_id="beef"))
    assert BUILD_ID in caught.value.details
    assert "beef" in caught.value.details
    assert runner.ran == []


def test_another_kernel_can_be_allowed_loudly(vmlinux, messages) -> None:
    convert(profile_tools(), replace(vmlinux, build_id="beef"), allow_mismatch=True)
    assert "hit wrong functions" in messages.getvalue()


def test_an_unknown_build_id_is_only_a_warning(vmlinux, messages) -> None:
    table = table_of([(TEXT + 4, TEXT + 16, 5, 0)], [], TableMeta())
    convert(profile_tools(), vmlinux, table=table)
    assert "does not say its build-id" in messages.getvalue()


def test_an_llvm_profgen_without_kernels_is_refused_with_the_packages(vmlinux) -> None:
    old = Result(
        returncode=0,
        stderr="llvm-profgen: Unknown command line argument '--kernel'.  Try: …\n",
    )
    with pytest.raises(HostError, match="does not know --kernel") as caught:
        convert(profile_tools(**{"--version": old}), vmlinux)
    assert "Debian: llvm-19" in caught.value.hint
    assert "Arch: llvm" in caught.value.hint


@pytest.mark.parametrize("name", ["llvm-profgen", "llvm-profdata"])
def test_a_toolchain_without_a_tool_is_refused(vmlinux, name) -> None:
    tools = {key: path for key, path in TOOLCHAIN.tools.items() if key != name}
    with pytest.raises(HostError, match=f"LLVM 19.1.7 on this machine has no {name}"):
        convert(profile_tools(), vmlinux, toolchain=replace(TOOLCHAIN, tools=tools))
