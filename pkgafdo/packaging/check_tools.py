"""What bash, shellcheck and namcap say about a PKGBUILD."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.packaging.check_finding import Finding, Severity, finding
from pkgafdo.packaging.sandbox import run_inside
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pkgafdo.packaging.sandbox import Sandbox
    from pkgafdo.runner.base import Runner

_ANY: Final = frozenset(range(256))
_BASH: Final = re.compile(r".*: line (\d+): (.*)")
# A PKGBUILD's variables are makepkg's, and its functions stop at the first failure.
_MAKEPKGS: Final = "SC2034,SC2154,SC2164,SC2155"
_LEVELS: Final = {"error": Severity.WARNING, "warning": Severity.NOTE}
_NAMCAP: Final = re.compile(r"PKGBUILD \([^)]*\) ([EW]): (.*)")


def bash_command(path: Path) -> Command:
    """Return the command that parses a script without running it."""
    return Command(argv=("bash", "-n", str(path)), accept=_ANY)


def check_bash(runner: Runner, path: Path) -> Iterator[Finding]:
    """Find syntax errors."""
    result = runner.query(bash_command(path))
    if not result.returncode:
        return
    matches = (_BASH.match(line) for line in result.stderr.splitlines())
    faults = [(int(match[1]), match[2]) for match in matches if match]
    line, text = faults[0] if faults else (0, result.stderr.strip()[-200:])
    yield finding(
        "syntax", Severity.ERROR, line, text, "Mend it first: makepkg cannot read the file."
    )


def shellcheck_command(path: Path) -> Command:
    """Return the command that prints shellcheck's findings as JSON."""
    argv = ("shellcheck", "--norc", "--shell=bash", "--format=json1", f"--exclude={_MAKEPKGS}")
    return Command(argv=(*argv, str(path)), accept=_ANY)


def check_shellcheck(runner: Runner, path: Path) -> Iterator[Finding]:
    """Pass on what shellcheck says, where it is installed."""
    if runner.which("shellcheck") is None:
        return
    yield from parse_shellcheck(runner.query(shellcheck_command(path)).stdout)


def parse_shellcheck(output: str) -> Iterator[Finding]:
    """Parse shellcheck's json1; what it calls info and style is left out."""
    try:
        comments: list[dict[str, Any]] = json.loads(output)["comments"]
    except (ValueError, KeyError, TypeError):
        return
    for comment in comments:
        severity = _LEVELS.get(str(comment.get("level")))
        if severity is not None:
            code = f"SC{comment['code']}"
            message = str(comment["message"])
            yield finding("shellcheck", severity, int(comment["line"]), f"{message} ({code})")


def check_namcap(sandbox: Sandbox, folder: Path) -> Iterator[Finding]:
    """Pass on what namcap says, where it is installed; it runs the PKGBUILD, too."""
    if sandbox.runner.which("namcap") is None:
        return
    for line in run_inside(sandbox, ("namcap", "PKGBUILD"), folder).stdout.splitlines():
        if match := _NAMCAP.match(line):
            severity = Severity.WARNING if match[1] == "E" else Severity.NOTE
            yield finding("namcap", severity, 0, match[2])
