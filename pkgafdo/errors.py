"""The errors that pkgafdo raises, each with the exit code that the command line returns for it."""

from __future__ import annotations

from typing import ClassVar


class PkgafdoError(Exception):
    """An error with a message for a person: what, the evidence, and the next move.

    `message` is one sentence, `details` the evidence (several lines allowed), `hint` what to do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, details: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.hint = hint


class ConfigError(PkgafdoError):
    """The configuration or the command line asks for something impossible (exit 2)."""

    exit_code = 2


class HostError(PkgafdoError):
    """This machine lacks a tool, a right, memory or disk (exit 3)."""

    exit_code = 3


class CommandError(PkgafdoError):
    """A program that we started failed; its log is named (exit 4)."""

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        details: str = "",
        hint: str = "",
        command: str = "",
        returncode: int | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint)
        self.command = command
        self.returncode = returncode


class ArtifactError(PkgafdoError):
    """A file is not what it must be: foreign, stale, empty or corrupt (exit 5)."""

    exit_code = 5


class WaitingError(PkgafdoError):
    """Nothing is wrong, but a person must do something first (exit 6)."""

    exit_code = 6


BROKEN_PIPE: int = 141
"""Exit code when the reader of our output went away (128 + SIGPIPE, as shells report it)."""

INTERRUPTED: int = 130
"""Exit code after Ctrl-C (128 + SIGINT, as shells report it)."""
