"""The words that a run was started with, kept in its work folder: what repeats it, or goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.runner.command import Command, shell

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME: Final = "command.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What brought a run forward last: verb, options, the folder it was given in, its stages in order."""

    verb: str = "run"
    words: tuple[str, ...] = ()
    folder: Path | None = None
    stages: tuple[str, ...] = ()


def keep_words(
    workdir: Path, *, folder: Path, words: Sequence[str], verb: str, stages: Sequence[str]
) -> None:
    """Keep the options that made the configuration, and the folder that their paths are relative to."""
    kept = Kept(verb=verb, words=tuple(words), folder=folder, stages=tuple(stages))
    if kept != read_words(workdir):  # a run that does nothing leaves the folder as it is
        data = {"folder": str(folder), "verb": verb, "words": list(words), "stages": list(stages)}
        files.write_json(workdir / _NAME, data)


def again(workdir: Path, verb: str) -> str:
    """Return the line that gives a verb with the settings of the run in a work folder, for a shell.

    Where nothing is kept, it names the work folder alone.
    """
    kept = read_words(workdir)
    argv = ("pkgafdo", verb, "--workdir", str(workdir), *kept.words)
    return shell(Command(argv=argv, cwd=kept.folder))


def read_words(workdir: Path) -> Kept:
    """Return what is kept in a work folder; where there is nothing, what names the folder alone."""
    try:
        data = files.read_json(workdir / _NAME)
        return Kept(
            verb=str(data["verb"]),
            words=tuple(str(word) for word in data["words"]),
            folder=Path(data["folder"]),
            stages=tuple(str(stage) for stage in data["stages"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Kept()
