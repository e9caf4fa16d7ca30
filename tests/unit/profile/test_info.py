"""What a profile holds and how much of a kernel it covers."""

from __future__ import annotations

import pytest

from pkgafdo import elf
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.info import Coverage, cover, plain_name, read_functions, read_info
from pkgafdo.runner.command import Result
from tests.unit import elf_files
from tests.unit.elf_files import EXECUTABLE, FUNC, GLOBAL, PROGBITS, Part, symbol_parts
from tests.unit.profile.programs import TOOLCHAIN, profile_tools, recorded


def test_a_profiles_totals_and_size_are_read(tmp_path) -> None:
    (tmp_path / "k.afdo").write_bytes(b"12345")
    info = read_info(profile_tools(), TOOLCHAIN, tmp_path / "k.afdo")
    assert (info.size, info.summary.functions, info.provenance) == (5, 59, None)


def test_an_absent_profile_is_refused(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="no profile"):
        read_info(profile_tools(), TOOLCHAIN, tmp_path / "none")


def test_a_file_of_something_else_is_refused_in_llvms_words(tmp_path) -> None:
    (tmp_path / "k.afdo").write_bytes(b"12345")
    broken = Result(returncode=1, stderr="Unrecognized sample profile encoding format")
    with pytest.raises(ArtifactError, match="not a sample profile") as caught:
        read_info(profile_tools(show=broken), TOOLCHAIN, tmp_path / "k.afdo")
    assert "Unrecognized" in caught.value.details


def test_the_functions_of_a_profile_are_read(tmp_path) -> None:
    show = Result(returncode=0, stdout=recorded("llvm-profdata-19-functions.txt"))
    functions = read_functions(profile_tools(show=show), TOOLCHAIN, tmp_path / "k.afdo")
    assert functions["ip_ra_control"] == 66_171


def test_coverage_counts_each_piece_of_code_once(tmp_path) -> None:
    rows = [
        ("hot", 4096, 32, FUNC, GLOBAL, 1),
        ("hot_alias", 4096, 32, FUNC, GLOBAL, 1),
        ("moved.llvm.123", 4128, 16, FUNC, GLOBAL, 1),
        ("cold", 4144, 16, FUNC, GLOBAL, 1),
    ]
    text = Part(".text", PROGBITS, bytes(64), EXECUTABLE, 4096)
    (tmp_path / "k").write_bytes(elf_files.elf(text, *symbol_parts(rows, first=2)))
    coverage = cover(["hot_alias", "moved", "elsewhere"], elf.symbols(tmp_path / "k"))
    assert coverage == Coverage(
        functions=3, profiled_functions=2, code_bytes=64, profiled_bytes=48, foreign=1
    )


@pytest.mark.parametrize(
    ("symbol", "plain"),
    [
        ("vfs_read", "vfs_read"),
        ("vfs_read.llvm.4711", "vfs_read"),
        ("vfs_read.part.0", "vfs_read"),
        ("vfs_read.cold", "vfs_read"),
        ("vfs_read.part.0.llvm.7", "vfs_read"),
    ],
)
def test_names_lose_what_the_compiler_appended(symbol, plain) -> None:
    assert plain_name(symbol) == plain
