"""How a run that stands still goes on: its next stage, and the command that was given."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pkgafdo.workflows.command_line import again, read_words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


def next_of(workdir: Path, done: Collection[str]) -> Mapping[str, Any] | None:
    """Return the next stage, how many are done, and the command; None at the end, or when unknown."""
    kept = read_words(workdir)
    left = [stage for stage in kept.stages if stage not in done]
    if not left:
        return None
    finished, command = len(kept.stages) - len(left), again(workdir, kept.verb)
    return {
        "stage": left[0],
        "done": finished,
        "of": len(kept.stages),
        "command": command,
        "sentence": f"next: {left[0]} ({finished} of {len(kept.stages)} done); "
        f"go on with `{command}`",
    }


def local_time(moment: str) -> str:
    """Return a moment of the journal as this machine's clock shows it; what is none stays as it is."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return moment
