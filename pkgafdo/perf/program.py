"""The perf that is installed: where it is, how old, and whether it has libpfm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.perf.refusals import Refusal, next_move, parse_refusal
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.runner.base import Runner

OLDEST: Final = (4, 17)
"""The first with `perf version --build-options`, and whose pipes describe the machine."""
_VERSION: Final = re.compile(r"^perf version (\d+)\.(\d+)", re.MULTILINE)
_LIBPFM: Final = re.compile(r"^\s*libpfm4: \[ on", re.MULTILINE)
PACKAGES: Final = "Install perf (Arch: perf; Debian: linux-perf)."


@dataclass(frozen=True, kw_only=True, slots=True)
class Perf:
    """One perf: absolute path, version (major, minor), whether `--pfm-events` works."""

    path: str
    version: tuple[int, int]
    libpfm: bool


def version_command(path: str) -> Command:
    """Return the command that makes perf say what it is; any exit code is an answer."""
    return Command(
        argv=(path, "version", "--build-options"), accept=frozenset(range(256)), timeout=30
    )


def parse_perf(path: str, text: str) -> Perf | None:
    """Read what `perf version --build-options` says; None when it is none that can record."""
    found = _VERSION.search(text)
    if found is None:
        return None
    return Perf(
        path=path,
        version=(int(found[1]), int(found[2])),
        libpfm=_LIBPFM.search(text) is not None,
    )


def find_perf(runner: Runner, program: str = "perf") -> Perf:
    """Return the perf to record with.

    Raises HostError when there is none, none for this kernel, or one that is too old.
    """
    path = runner.which(program)
    if path is None:
        raise HostError(f"{program} is not installed", hint=PACKAGES)
    result = runner.query(version_command(path))
    perf = parse_perf(path, result.stdout + result.stderr)
    if perf is None:
        refused = parse_refusal(result.stdout + result.stderr)
        raise HostError(f"{path} does not work", details=str(refused), hint=next_move(refused.why))
    if perf.version < OLDEST:
        raise HostError(
            f"{Refusal.TOO_OLD}: {path} is of Linux {perf.version[0]}.{perf.version[1]}",
            details=f"Linux {OLDEST[0]}.{OLDEST[1]} is the oldest that will do.",
            hint=PACKAGES,
        )
    return perf
