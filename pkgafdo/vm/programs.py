"""Finding the host's programs and everything that they need to run in a guest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.runner.base import Runner

PACKAGES: Final = {
    "busybox": ("busybox", "busybox-static"),
    "perf": ("perf", "linux-perf"),
    "hackbench": ("rt-tests", "rt-tests"),
    "cyclictest": ("rt-tests", "rt-tests"),
    "stress-ng": ("stress-ng", "stress-ng"),
    "bash": ("bash", "bash"),
    "mkfs.ext4": ("e2fsprogs", "e2fsprogs"),
    "git": ("git", "git"),
}
"""Programs of the shipped suites: (Arch package, Debian package); the rest is in coreutils."""

_LIBRARY: Final = re.compile(r"^\s*(?:(/.+?)|\S+)(?: => (/.+))? \(0x[0-9a-f]+\)$", re.MULTILINE)
"""A line of ldd: NAME => PATH, PATH alone, or, for a loader behind a link, PATH => PATH."""
_MISSING: Final = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestFile:
    """A file of the guest: its absolute path there and the host's file that it is a copy of."""

    path: str
    source: Path


def parse_ldd(text: str) -> tuple[str, ...]:
    """Return the libraries and the loader that ldd lists; pure."""
    return tuple(path for paths in _LIBRARY.findall(text) for path in paths if path)


def find_programs(runner: Runner, names: Iterable[str]) -> tuple[Path, ...]:
    """Return the host's files for program names or paths. Raises HostError that lists the absent."""
    found: list[Path] = []
    absent: list[str] = []
    for name in names:
        path = runner.which(name) if "/" not in name else name
        if path is None or not Path(path).is_file():
            absent.append(name)
        else:
            found.append(Path(path))
    if absent:
        raise HostError(
            f"the workload needs programs that are not here: {', '.join(absent)}",
            details="\n".join(_package_line(name) for name in absent),
            hint="Install them, or choose another workload.",
        )
    return tuple(found)


def _package_line(name: str) -> str:
    if "/" in name:
        return f"{name}: no such file"
    arch, debian = PACKAGES.get(name, ("coreutils", "coreutils"))
    return f"{name}: Arch package {arch}, Debian package {debian}"


def closure(runner: Runner, paths: Iterable[Path]) -> tuple[GuestFile, ...]:
    """Return the files with their libraries, loaders and, for scripts, interpreters, sorted by path.

    Each lands in the guest at the path it has here. Raises HostError when a library is not found.
    """
    todo = list(paths)
    done: dict[str, GuestFile] = {}
    while todo:
        path = todo.pop()
        if str(path) in done:
            continue
        done[str(path)] = GuestFile(path=str(path), source=path.resolve())
        with path.open("rb") as stream:
            head = stream.readline(256)
        if head.startswith(b"#!"):
            todo += _interpreter(path, head)
        elif head.startswith(b"\x7fELF"):
            todo.extend(Path(library) for library in _libraries(runner, path))
    return tuple(done[path] for path in sorted(done))


def _interpreter(script: Path, head: bytes) -> list[Path]:
    """Return the program that a script's first line names, if any. Raises HostError when it is absent."""
    words = head[2:].decode(errors="replace").split()
    if words and not Path(words[0]).is_file():
        raise HostError(
            f"{script} needs {words[0]}, which is not on this machine",
            hint="Install its interpreter, or choose another workload.",
        )
    return [Path(word) for word in words[:1]]


def _libraries(runner: Runner, path: Path) -> tuple[str, ...]:
    # ldd exits with 1 for a static program: it needs nothing.
    result = runner.query(Command(argv=("ldd", str(path)), accept=frozenset({0, 1})))
    if missing := _MISSING.findall(result.stdout):
        raise HostError(
            f"{path} lacks libraries on this machine: {', '.join(missing)}",
            hint="Reinstall the package that owns it.",
        )
    return parse_ldd(result.stdout)
