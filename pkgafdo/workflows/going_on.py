"""How a run that stands still goes on: its next stage, and the command that was given."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

_FILE: Final = "command.json"


def write_command(workdir: Path, command: str, folder: Path, stages: Iterable[str]) -> None:
    """Write down which command brings a run forward, where it was given, and through which stages."""
    data = {"command": command, "folder": str(folder), "stages": list(stages)}
    files.write_json(workdir / _FILE, data)


def next_of(workdir: Path, done: Collection[str], *, here: Path) -> Mapping[str, Any] | None:
    """Return the next stage, how many are done, and the command; None at the end, or when unknown."""
    try:
        data = files.read_json(workdir / _FILE)
        stages, command, folder = list(data["stages"]), data["command"], data["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    left = [stage for stage in stages if stage not in done]
    if not left:
        return None
    where = "" if folder == str(here) else f" in {folder}"
    return {
        "stage": left[0],
        "done": len(stages) - len(left),
        "of": len(stages),
        "command": command,
        "sentence": f"next: {left[0]} ({len(stages) - len(left)} of {len(stages)} done); "
        f"go on with `{command}`{where}",
    }


def local_time(moment: str) -> str:
    """Return a moment of the journal as this machine's clock shows it; what is none stays as it is."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return moment
