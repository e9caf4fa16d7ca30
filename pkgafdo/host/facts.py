"""The facts of this machine, read once at the edge and passed down."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.host.cpu import Cpu, parse_cpuinfo
from pkgafdo.host.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Mapping


class Family(StrEnum):
    """Whose packages a distribution uses."""

    ARCH = "arch"
    DEBIAN = "debian"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """The user's folders after the XDG base directory specification, and the home itself."""

    home: Path
    config: Path
    state: Path
    cache: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What this machine is.

    distribution is os-release's ID; release is `uname -r`; memory is in bytes; kernel_config is where
    the running kernel's configuration can be read; pacman_managed tells whether pacman's system
    database holds packages; environment is the one for child processes.
    """

    euid: int
    user: str
    distribution: str
    family: Family
    release: str
    machine: str
    cpu: Cpu
    cores: int
    memory: int
    memory_available: int
    kernel_config: Path | None
    pacman_managed: bool
    folders: Folders
    environment: Mapping[str, str]
    term: str
    no_color: bool


_XDG: Final = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "state": ("XDG_STATE_HOME", ".local/state"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
}


def read_facts(
    environ: Mapping[str, str] = os.environ, *, filesystem: Path = Path("/")
) -> HostFacts:
    """Read the facts of this machine; another folder than `/` stands for its files in tests."""
    system = os.uname()
    euid = os.geteuid()
    release = parse_os_release(_text(filesystem / "etc/os-release"))
    memory = parse_meminfo(_text(filesystem / "proc/meminfo"))
    user, home = _account(euid)
    return HostFacts(
        euid=euid,
        user=user,
        distribution=release.get("ID", "unknown"),
        family=family_of(release),
        release=system.release,
        machine=system.machine,
        cpu=parse_cpuinfo(_text(filesystem / "proc/cpuinfo")),
        cores=len(os.sched_getaffinity(0)),
        memory=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        kernel_config=_kernel_config(filesystem, system.release),
        pacman_managed=any((filesystem / "var/lib/pacman/local").glob("*/desc")),
        folders=folders_of(environ, home=home),
        environment={"HOME": home} | child_environment(environ),
        term=environ.get("TERM", ""),
        no_color=bool(environ.get("NO_COLOR")),
    )


def _text(path: Path) -> str:
    """Return a file's text; a file that this machine does not have says nothing."""
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def _account(uid: int) -> tuple[str, str]:
    """Return name and home of a user; containers run users without an entry."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return str(uid), "/"
    return entry.pw_name, entry.pw_dir


def parse_os_release(text: str) -> dict[str, str]:
    """Parse os-release(5)."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, mark, value in pairs if mark}


def parse_meminfo(text: str) -> dict[str, int]:
    """Parse /proc/meminfo into bytes."""
    sizes = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number, _, unit = value.strip().partition(" ")
        sizes[name] = int(number) * (1024 if unit == "kB" else 1)
    return sizes


def family_of(release: Mapping[str, str]) -> Family:
    """Return the family that an os-release names, itself or as what it is like."""
    names = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    return next((family for family in Family if family in names), Family.OTHER)


def folders_of(environ: Mapping[str, str], *, home: str) -> Folders:
    """Return the user's folders; relative ones are ignored, as the specification asks."""
    base = Path(environ.get("HOME") or home)
    places = {}
    for name, (variable, default) in _XDG.items():
        value = Path(environ.get(variable, ""))
        places[name] = value if value.is_absolute() else base / default
    return Folders(home=base, **places)


def _kernel_config(filesystem: Path, release: str) -> Path | None:
    places = (
        filesystem / "proc/config.gz",
        filesystem / f"boot/config-{release}",
        filesystem / f"usr/lib/modules/{release}/build/.config",
    )
    return next((place for place in places if place.is_file()), None)
