"""Whether the guest will have the program that a user's own command begins with."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ConfigError
from pkgafdo.runner.command import Command
from pkgafdo.vm.programs import closure, find_programs
from pkgafdo.vm.suites import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.runner.base import Runner
    from pkgafdo.vm.suites import Suite

SHELL_WORDS: Final = frozenset({
    ".", ":", "[", "[[", "alias", "bg", "break", "builtin", "case", "cd", "chdir", "command",
    "continue", "declare", "do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit",
    "export", "false", "fg", "fi", "for", "function", "getopts", "hash", "help", "history", "if",
    "in", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return", "select",
    "set", "shift", "shopt", "source", "test", "then", "time", "times", "trap", "true", "type",
    "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
})  # fmt: skip
"""Keywords and builtins of busybox's shells."""
_ALWAYS: Final = frozenset({"/bin/busybox", "/bin/sh", "/bin/window", "busybox", "sh", "window"})
_APPLETS: Final = "/bin/applets/"
_FIRST: Final = re.compile(r"\s*(?:exec\s+)?(/?[\w.+-][\w./+-]*)(?=\s+[^\s(]|\s*$)[^;&|\n]*")
"""One simple command and its first word where that is plain: no quoting, variable, assignment,
function. What stands before || or | may be missing."""


def first_program(command: str) -> str | None:
    """Return the program that a shell command line surely begins with, or None when in doubt."""
    match = _FIRST.fullmatch(command)
    if match is None or match[1] in SHELL_WORDS:
        return None
    word = match[1]
    return word if "/" not in word or word.startswith("/") else None


def has_program(word: str, files: Iterable[str], applets: Iterable[str]) -> bool:
    """Say whether a word names something to run among the guest's files and busybox's applets."""
    if word in _ALWAYS or word.removeprefix(_APPLETS) in set(applets):
        return True
    names = {path if "/" in word else PurePosixPath(path).name for path in files}
    return word in names


def require_own_command(runner: Runner, suite: Suite) -> None:
    """Raise ConfigError when a user's own command begins with what the guest will not have."""
    word = first_program(suite.steps[0].script) if suite.name == OWN else None
    if word is None:
        return
    programs = find_programs(runner, ("busybox", *suite.files))
    listed = runner.query(Command(argv=(str(programs[0]), "--list"))).stdout.split()
    paths = (entry.path for entry in closure(runner, programs))
    if not listed or has_program(word, paths, listed):
        return
    here = word if "/" in word else runner.which(word)
    is_here = here is not None and Path(here).is_file()
    raise ConfigError(
        f"the workload's command begins with {word}, which the guest will not have",
        details="The guest has busybox and what workload.files names; "
        + (f"{here} of this machine is not among it." if is_here else "this machine has none."),
        hint=f'Add it: workload.files = ["{here}"]'
        if is_here
        else "Correct workload.command, or install the program and name it in workload.files.",
    )
