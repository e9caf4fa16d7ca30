"""Reading the facts of a machine from a folder that stands for its file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pkgafdo.host import facts
from pkgafdo.host.facts import Family


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("ID=arch\n", Family.ARCH),
        ('ID=cachyos\nID_LIKE="arch"\n', Family.ARCH),
        ('ID=debian\nVERSION_ID="12"\n', Family.DEBIAN),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', Family.DEBIAN),
        ("# nothing\nID=fedora\n", Family.OTHER),
        ("", Family.OTHER),
    ],
)
def test_the_family_of_a_distribution(text: str, family: Family) -> None:
    assert facts.family_of(facts.parse_os_release(text)) is family


def test_memory_is_counted_in_bytes() -> None:
    text = "MemTotal:        2048 kB\nHugePages_Total:       3\n"
    assert facts.parse_meminfo(text) == {"MemTotal": 2048 * 1024, "HugePages_Total": 3}


def test_folders_follow_the_xdg_variables_and_ignore_relative_ones() -> None:
    found = facts.folders_of(
        {"HOME": "/home/a", "XDG_CACHE_HOME": "/cache", "XDG_STATE_HOME": "state"}, home="/other"
    )
    assert found.cache == Path("/cache")
    assert found.state == Path("/home/a/.local/state")
    assert found.config == Path("/home/a/.config")


def test_without_home_the_account_names_it() -> None:
    assert facts.folders_of({}, home="/home/b").config == Path("/home/b/.config")


def test_the_machine_is_read_from_its_files(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "ID=arch\n")
    write(tmp_path, "proc/meminfo", "MemTotal: 4 kB\nMemAvailable: 2 kB\n")
    write(tmp_path, "proc/cpuinfo", "vendor_id : GenuineIntel\nflags : arch_lbr\n")
    write(tmp_path, "var/lib/pacman/local/bash-5-1/desc", "%NAME%\nbash\n")
    found = facts.read_facts({"NO_COLOR": "1", "TERM": "dumb"}, filesystem=tmp_path)
    assert (found.distribution, found.family) == ("arch", Family.ARCH)
    assert (found.memory, found.memory_available) == (4096, 2048)
    assert found.cpu.vendor == "GenuineIntel"
    assert found.pacman_managed
    assert (found.term, found.no_color) == ("dumb", True)
    assert found.euid == os.geteuid()
    assert found.environment["HOME"]


def test_a_machine_that_tells_nothing_still_has_facts(tmp_path: Path) -> None:
    found = facts.read_facts({}, filesystem=tmp_path)
    assert found.distribution == "unknown"
    assert found.kernel_config is None
    assert not found.pacman_managed
    assert not found.no_color


def test_an_empty_pacman_database_manages_nothing(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/pacman/local/ALPM_DB_VERSION", "9\n")
    assert not facts.read_facts({}, filesystem=tmp_path).pacman_managed


def test_the_configuration_of_the_running_kernel_is_found(tmp_path: Path) -> None:
    boot = write(tmp_path, f"boot/config-{os.uname().release}", "CONFIG_X=y\n")
    assert facts.read_facts({}, filesystem=tmp_path).kernel_config == boot
    proc = write(tmp_path, "proc/config.gz", "")
    assert facts.read_facts({}, filesystem=tmp_path).kernel_config == proc
