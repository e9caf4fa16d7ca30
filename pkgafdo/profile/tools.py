"""LLVM's profile tools: where they are, and whether they can do what we need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain
    from pkgafdo.runner.base import Runner

PACKAGES: Final = "Install LLVM 19 or newer (Arch: llvm, Debian: llvm-19)."

_VERSION: Final = re.compile(r"\bLLVM version (\S+)")
_NEEDED: Final = ("--kernel", "--use-offset=0", "--unsymbolized-profile=counts.txt")
_UNKNOWN: Final = re.compile(r"Unknown command line argument '([^']*)'")


def require_tool(toolchain: Toolchain, name: str) -> str:
    """Return the path of one of LLVM's tools; HostError when this toolchain has none."""
    path = toolchain.tools.get(name)
    if path is None:
        version = ".".join(map(str, toolchain.version))
        raise HostError(f"LLVM {version} on this machine has no {name}", hint=PACKAGES)
    return path


def profgen_probe_command(profgen: str) -> Command:
    """Return the command that makes llvm-profgen complain about each option that it does not know.

    Its help hides --kernel and --use-offset (LLVM 19), so the option parser itself is asked.
    """
    return Command(argv=(profgen, *_NEEDED, "--version"), accept=frozenset({0, 1}), hint=PACKAGES)


def require_profgen(runner: Runner, toolchain: Toolchain) -> str:
    """Return the path of an llvm-profgen that converts kernels; HostError when it cannot."""
    path = require_tool(toolchain, "llvm-profgen")
    missing = _UNKNOWN.findall(runner.query(profgen_probe_command(path)).stderr)
    if missing:
        raise HostError(
            f"{path} cannot convert kernels: it does not know {', '.join(missing)}",
            hint=PACKAGES,
        )
    return path


def tool_version(runner: Runner, tool: str) -> str:
    """Return what an LLVM tool says about its version, such as `19.1.7`, or an empty text."""
    match = _VERSION.search(runner.query(Command(argv=(tool, "--version"))).stdout)
    return match[1] if match else ""


def sibling_tool(runner: Runner, toolchain: Toolchain, name: str) -> str:
    """Return the path of a tool of the same LLVM that is needed only here; HostError without it."""
    known = require_tool(toolchain, "llvm-profdata")
    folder, slash, program = known.rpartition("/")
    path = runner.which(f"{folder}{slash}{program.replace('llvm-profdata', name)}")
    if path is None:
        raise HostError(f"{known} has no {name} beside it", hint=PACKAGES)
    return path
