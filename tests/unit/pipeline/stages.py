"""Stages that write small files, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pkgafdo.pipeline.entry import Entry, FileRecord
from pkgafdo.pipeline.execute import execute
from pkgafdo.pipeline.journal import Journal
from pkgafdo.pipeline.stage import Inputs, Produced, Stage

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Kitchen:
    """Two stages over a folder: `grind` writes a file from its recipe, `brew` uses that file.

    `ran` says which stages did their work, in order.
    """

    folder: Path
    coarse: bool = False
    hot: bool = True
    ran: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        return Journal(folder=self.folder / "journal", base=self.folder)

    def grind(self, inputs: Inputs) -> Produced:
        self.ran.append("grind")
        self.commands.append(f"grind --coarse={self.coarse}")
        path = self.folder / "powder"
        path.write_text("powder\n")  # the same however it was ground
        return Produced(files={"powder": path}, facts={"grams": 20, "coarse": self.coarse})

    def brew(self, inputs: Inputs) -> Produced:
        self.ran.append("brew")
        path = self.folder / "cup"
        path.write_text(inputs.file("grind.powder").read_text() + str(inputs.fact("grind.grams")))
        return Produced(files={"cup": path})

    def stages(self, **changes: Any) -> tuple[Stage, Stage]:
        grind = Stage(
            name="grind", title="grind the beans", recipe={"coarse": self.coarse}, run=self.grind
        )
        brew: dict[str, Any] = {
            "name": "brew", "title": "brew the coffee", "recipe": {"hot": self.hot},
            "needs": ("grind.powder", "grind.grams"), "run": self.brew,
        }  # fmt: skip
        return grind, Stage(**(brew | changes))

    def execute(self, **changes: Any) -> dict[str, Entry]:
        """Bring all up to date; `ran` holds afterwards what this call did."""
        self.ran.clear()
        return execute(
            self.stages(**changes), self.journal, commands=self.commands, version="0.1.0"
        )


def entry(stage: str, **changes: Any) -> Entry:
    """Return a journal entry that needs no disk."""
    values: dict[str, Any] = {
        "stage": stage, "recipe": {}, "inputs": {}, "files": {}, "facts": {}, "commands": (),
        "seconds": 3.4, "started": "2026-01-01T00:00:00+00:00", "version": "0.1.0",
    }  # fmt: skip
    return Entry(**(values | changes))


def file_record(path: Path, sha256: str = "a" * 64) -> FileRecord:
    """Return a record of a file that need not exist."""
    return FileRecord(path=path, sha256=sha256, size=1, mtime_ns=1)
