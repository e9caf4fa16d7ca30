"""Looking for the programs that are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host.facts import Family
from pkgafdo.host.tools import TOOLS, check_tools, require_tools
from tests.fakes.runner import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    for name in ("gelf.h", "x86_64-linux-gnu/openssl/opensslv.h"):
        path = tmp_path / "usr/include" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_machine_with_everything_passes(headers: Path) -> None:
    require_tools(FakeRunner(), family=Family.DEBIAN, filesystem=headers)
    found = check_tools(FakeRunner(), family=Family.DEBIAN, filesystem=headers)
    assert len(found) == sum(tool.only is not Family.ARCH for tool in TOOLS)
    assert all(finding.path for finding in found)


def test_all_missing_tools_are_named_at_once_with_both_package_names(headers: Path) -> None:
    runner = FakeRunner(missing={"flex", "depmod"})
    with pytest.raises(HostError, match="flex, depmod are not installed") as caught:
        require_tools(runner, family=Family.DEBIAN, filesystem=headers)
    assert "`apt-get install --no-install-recommends flex kmod`" in caught.value.hint
    assert "Arch: flex, kmod; Debian: flex, kmod" in caught.value.hint
    assert "flex: builds Kconfig" in caught.value.details


def test_on_arch_the_install_line_is_pacmans(headers: Path) -> None:
    runner = FakeRunner(missing={"busybox", "perf"})
    with pytest.raises(HostError) as caught:
        require_tools(runner, family=Family.ARCH, filesystem=headers)
    assert "`pacman -S --needed busybox perf`" in caught.value.hint
    assert "Debian: busybox-static, linux-perf" in caught.value.hint


def test_on_other_distributions_the_packages_are_named_only(headers: Path) -> None:
    with pytest.raises(HostError) as caught:
        require_tools(FakeRunner(missing={"bc"}), family=Family.OTHER, filesystem=headers)
    assert "`" not in caught.value.hint
    assert "Arch: bc; Debian: bc" in caught.value.hint


def test_only_the_tools_of_the_wanted_verbs_count(headers: Path) -> None:
    runner = FakeRunner(missing={"flex", "qemu-system-x86_64"})
    require_tools(runner, family=Family.ARCH, verbs=["convert"], filesystem=headers)
    with pytest.raises(HostError, match=r"^qemu-system-x86_64 is not installed"):
        require_tools(runner, family=Family.ARCH, verbs=["record", "convert"], filesystem=headers)


def test_a_missing_optional_tool_is_found_out_but_no_fault(headers: Path) -> None:
    runner = FakeRunner(missing={"pahole"})
    require_tools(runner, family=Family.ARCH, filesystem=headers)
    absent = [
        finding.tool.name
        for finding in check_tools(runner, family=Family.ARCH, filesystem=headers)
        if finding.path is None
    ]
    assert absent == ["pahole"]


def test_debians_package_manager_is_wanted_on_debian_only(headers: Path) -> None:
    runner = FakeRunner(missing={"apt-get"})
    require_tools(runner, family=Family.ARCH, filesystem=headers)
    with pytest.raises(HostError, match="apt-get"):
        require_tools(runner, family=Family.DEBIAN, filesystem=headers)


def test_one_of_several_names_is_enough(headers: Path) -> None:
    runner = FakeRunner(missing={"clang", "clang-30", "cc"})
    require_tools(runner, family=Family.DEBIAN, verbs=["build", "record"], filesystem=headers)


def test_missing_headers_are_found_out(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="libelf, openssl headers are not installed") as caught:
        require_tools(FakeRunner(), family=Family.DEBIAN, filesystem=tmp_path)
    assert "libelf-dev libssl-dev" in caught.value.hint


def test_every_row_names_its_packages_and_a_verb() -> None:
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
    for tool in TOOLS:
        assert tool.arch, tool.name
        assert tool.debian, tool.name
        assert tool.verbs, tool.name
