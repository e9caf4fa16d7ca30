"""Units of systemd: how their text is quoted, where they lie, the commands that bring them in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEM_UNITS: Final = Path("etc/systemd/system")
_USER_UNITS: Final = Path("systemd/user")
_HINT: Final = "This needs systemd; start the command by hand instead."
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:@,+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manager:
    """The systemd that runs a unit: the system's, or a user's own, and the folder of its units."""

    folder: Path
    user: bool

    @property
    def target(self) -> str:
        """What wants units that start by themselves."""
        return "default.target" if self.user else "multi-user.target"

    def command(self, *words: str) -> Command:
        """Return a systemctl command for this manager."""
        return Command(
            argv=("systemctl", *(("--user",) if self.user else ()), *words),
            run_as=RunAs.SELF if self.user else RunAs.ROOT,
            hint=_HINT,
        )


def user_manager(config_home: Path) -> Manager:
    """Return the manager of the user whose configuration lies there."""
    return Manager(folder=config_home / _USER_UNITS, user=True)


def system_manager(filesystem: Path) -> Manager:
    """Return the manager of the system."""
    return Manager(folder=filesystem / SYSTEM_UNITS, user=False)


def quoted(word: str) -> str:
    """Return a word of a setting that holds words (systemd.syntax(7)); `%` would be expanded."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return word if word and set(word) <= _PLAIN else f'"{escaped.replace("%", "%%")}"'


def command_line(words: Iterable[str]) -> str:
    """Return a command line of a unit (systemd.service(5)), where `$` would be expanded, too."""
    return " ".join(quoted(word).replace("$", "$$") for word in words)


def path_value(path: Path) -> str:
    """Return a path as a setting of a unit takes it: specifiers are expanded there, quotes are not."""
    return str(path).replace("%", "%%")


def notify_command(summary: str, body: str) -> Command:
    """Return the command that shows a notification on the desktop; without a desktop it fails."""
    return Command(
        argv=("notify-send", "--app-name=pkgafdo", "--", summary, body),
        accept=frozenset(range(256)),
        hint="Install notify-send (Arch: libnotify, Debian: libnotify-bin).",
    )
