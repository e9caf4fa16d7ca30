"""scripts/setup, which shows what it would do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.facts import Family, read_facts
from pkgafdo.host.tools import TOOLS
from pkgafdo.runner.command import Command, Result
from pkgafdo.runner.local import LocalRunner
from tests.integration.setup_names import SCRIPT, named, rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

_OF_CHOICE = {"devtools", "virtme-ng"}
"""What the doctor names for other ways to build and boot; neither the main job nor a test needs it."""
_IN_BASE_DEVEL = {"bison", "fakeroot", "flex", "gcc", "make", "pacman", "tar", "util-linux"}
"""Packages that base-devel (or every Arch system) brings."""


def setup(fakes: Path, *options: str) -> Result:
    environment = dict(read_facts().environment)
    environment["PATH"] = f"{fakes}:{environment['PATH']}"
    runner = LocalRunner(env=environment)
    return runner.query(Command(argv=(str(SCRIPT), *options), accept=frozenset(range(256))))


def fake_pacman(folder: Path, script: str) -> Path:
    """Put a program called pacman into a folder."""
    program = folder / "pacman"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


def test_on_arch_the_missing_packages_are_asked_for(tmp_path: Path) -> None:
    fakes = fake_pacman(tmp_path, "echo lld; echo qemu-system-x86; exit 127")
    result = setup(fakes, "--print", "--for=arch")
    assert result.returncode == 0
    assert "missing packages: lld qemu-system-x86\n" in result.stdout
    assert "pacman -S --needed --noconfirm lld qemu-system-x86\n" in result.stdout


def test_on_arch_nothing_is_installed_when_nothing_is_missing(tmp_path: Path) -> None:
    result = setup(fake_pacman(tmp_path, "exit 0"), "--print", "--for=arch")
    assert "all packages are installed" in result.stdout
    assert "pacman -S" not in result.stdout


def test_a_pacman_that_fails_is_not_taken_for_satisfied(tmp_path: Path) -> None:
    result = setup(fake_pacman(tmp_path, "exit 1"), "--print", "--for=arch")
    assert result.returncode != 0
    assert "all packages are installed" not in result.stdout


def test_showing_takes_less_than_a_second_and_changes_nothing(tmp_path: Path) -> None:
    result = setup(tmp_path, "--print", "--for=debian")
    assert result.returncode == 0
    assert result.seconds < 1
    assert "running:" not in result.stdout


@pytest.mark.parametrize("option", ["--nonsense", "--for=fedora"])
def test_an_unknown_option_is_refused(tmp_path: Path, option: str) -> None:
    result = setup(tmp_path, option)
    assert result.returncode == 2
    assert "usage:" in result.stderr


@pytest.mark.parametrize("family", [Family.ARCH, Family.DEBIAN])
def test_setup_installs_every_package_that_the_doctor_names(tmp_path: Path, family: Family) -> None:
    listed = set(named(family))
    if family is Family.ARCH:
        listed |= _IN_BASE_DEVEL
    else:
        listed |= {"apt", "tar", "util-linux", "clang-19", "lld-19", "llvm-19"}
    wanted = {tool.package(family) for tool in TOOLS if tool.only in {None, family}} - _OF_CHOICE
    assert wanted <= listed


def test_each_name_on_arch_says_where_it_was_seen() -> None:
    source = re.compile(r"(core|extra), ([a-z-]+ )?\d\S*-\d+(; (alarm|cachyos|iso))?")
    unseen = [names for names, note in rows(Family.ARCH) if not source.fullmatch(note)]
    assert unseen == []
    assert all(len(names) == 1 for names, _ in rows(Family.ARCH))
