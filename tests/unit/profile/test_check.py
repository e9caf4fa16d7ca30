"""Judging a profile by its numbers."""

from __future__ import annotations

import pytest

from pkgafdo import elf
from pkgafdo.branches.meta import ModuleMapping, TableMeta
from pkgafdo.errors import ArtifactError
from pkgafdo.profile.check import Found, Quality, check_quality, find_functions, require_quality
from pkgafdo.profile.settings import ProfileSettings
from tests.unit import elf_files
from tests.unit.branches.tables import TEXT, table_of

SETTINGS = ProfileSettings(min_functions=10, min_samples=1000, min_found_share=0.9)
ALL_FOUND = Found(branches=100, in_functions=100, distinct_functions=3)


@pytest.fixture
def symbols(tmp_path):
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    return elf.symbols(tmp_path / "vmlinux")


def test_a_good_profile_has_no_findings() -> None:
    quality = Quality(functions=10, samples=1000, found=ALL_FOUND)
    assert check_quality(quality, SETTINGS) == []
    require_quality(quality, SETTINGS)


def test_too_few_functions_and_samples_are_both_named_with_their_numbers() -> None:
    quality = Quality(functions=9, samples=999, found=ALL_FOUND)
    with pytest.raises(ArtifactError, match="too thin") as caught:
        require_quality(quality, SETTINGS)
    assert "9 functions (10 are needed)" in caught.value.details
    assert "add up to 999 (1000 are needed)" in caught.value.details
    assert caught.value.exit_code == 5


def test_an_empty_profile_is_called_empty() -> None:
    with pytest.raises(ArtifactError, match="is empty"):
        require_quality(Quality(functions=0, samples=0, found=ALL_FOUND), SETTINGS)


def test_branches_that_found_no_function_are_a_finding() -> None:
    found = Found(branches=1000, in_functions=123, distinct_functions=3)
    quality = Quality(functions=10, samples=1000, found=found)
    [finding] = check_quality(quality, SETTINGS)
    assert "12.3% of 1000 branches" in finding


def test_a_recording_without_branches_found_nothing() -> None:
    nothing = Found(branches=0, in_functions=0, distinct_functions=0)
    assert nothing.share == 0
    assert check_quality(Quality(functions=10, samples=1000, found=nothing), SETTINGS)


def test_branches_are_looked_up_by_where_they_begin(symbols) -> None:
    table = table_of([(TEXT + 4, 0, 30, 0), (TEXT + 8, 0, 5, 0), (TEXT + 4096, TEXT, 65, 0)])
    found = find_functions(table, symbols)
    assert found == Found(branches=100, in_functions=35, distinct_functions=1)
    assert found.share == 0.35


def test_branches_of_modules_do_not_count_against_vmlinux(symbols) -> None:
    module = ModuleMapping(name="ext4", sections=((".text", 0xFFFFFFFFC0000000),), size=4096)
    table = table_of(
        [(TEXT + 4, 0, 3, 0), (0xFFFFFFFFC0000010, TEXT, 7, 0)], [], TableMeta(modules=(module,))
    )
    assert find_functions(table, symbols).share == 1.0
