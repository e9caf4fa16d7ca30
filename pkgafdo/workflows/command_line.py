"""The words that a run was started with, kept in its work folder: what repeats it, or goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.runner.command import Command, shell

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME: Final = "command.json"


def keep_words(workdir: Path, *, folder: Path, words: Sequence[str]) -> None:
    """Keep the options that made the configuration, and the folder that their paths are relative to."""
    files.write_json(workdir / _NAME, {"folder": str(folder), "words": list(words)})


def again(workdir: Path, verb: str) -> str:
    """Return the line that gives a verb with the settings of the run in a work folder, for a shell.

    Where nothing is kept, it names the work folder alone.
    """
    folder, words = _read(workdir / _NAME)
    argv = ("pkgafdo", verb, "--workdir", str(workdir), *words)
    return shell(Command(argv=argv, cwd=folder))


def _read(path: Path) -> tuple[Path | None, tuple[str, ...]]:
    try:
        data = files.read_json(path)
        return Path(data["folder"]), tuple(str(word) for word in data["words"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, ()
