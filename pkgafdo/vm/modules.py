"""The kernel modules that a guest loads, found with kmod in a root where the kernel is installed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import log
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.runner.base import Runner


_INSMOD: Final = re.compile(r"^insmod (\S.*?\.ko(?:\.\w+)?)(?:\s|$)", re.MULTILINE)
"""A line of `modprobe --show-depends`; the module's parameters may follow the path."""


def depmod_command(usr: Path, release: str) -> Command:
    """Return the command that writes modules.dep below usr/lib/modules/RELEASE, as pacman's hook does."""
    return Command(
        argv=("depmod", "--basedir", str(usr), release),
        hint="depmod is in the package kmod (Arch and Debian).",
    )


def show_depends_command(usr: Path, release: str, name: str) -> Command:
    """Return the command that lists a module with what it depends on, in the order of loading."""
    return Command(
        argv=("modprobe", "--dirname", str(usr), "--set-version", release, "--show-depends", name),
        accept=frozenset({0, 1}),
        hint="modprobe is in the package kmod (Arch and Debian).",
    )


def parse_depends(text: str) -> tuple[Path, ...]:
    """Return the module files of `modprobe --show-depends`; built-in ones have no line `insmod`. Pure."""
    return tuple(Path(path) for path in _INSMOD.findall(text))


def find_modules(runner: Runner, usr: Path, release: str, names: Iterable[str]) -> tuple[Path, ...]:
    """Return the files of the named modules and of what they need, in the order of loading.

    A name that is built in, or that this kernel does not have, is passed over: the workload's step
    that wants it says so if it cannot do without.
    """
    found: dict[str, Path] = {}
    for name in names:
        result = runner.query(show_depends_command(usr, release, name))
        for path in parse_depends(result.stdout):
            found.setdefault(path.name, path)
        if result.returncode:
            log.detail(f"this kernel has no module {name}")
    return tuple(found.values())


def unpack_modules(runner: Runner, modules: Iterable[Path], folder: Path) -> tuple[Path, ...]:
    """Copy modules into a folder, decompressed (.zst, .xz, .gz), in the same order."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = []
    for module in modules:
        copy = folder / (module.name.partition(".ko")[0] + ".ko")
        if module.suffix == ".ko":
            shutil.copyfile(module, copy)
        else:
            runner.run(
                Command(
                    argv=("zstd", "-q", "-d", "-f", str(module), "-o", str(copy)),
                    hint="zstd is in the package zstd (Arch and Debian).",
                )
            )
        copies.append(copy)
    return tuple(copies)
