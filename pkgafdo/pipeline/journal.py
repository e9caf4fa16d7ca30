"""The journal: one JSON file per finished stage. Deleting one means “do this stage again”."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError
from pkgafdo.pipeline.entry import Entry, FileRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.pipeline.stage import Produced

FORMAT: Final = 1


def record_file(path: Path) -> FileRecord:
    """Digest a file and note its size and time. Raises ArtifactError when it is absent."""
    try:
        stat = path.stat()
        digest = files.sha256_file(path)
    except OSError as error:
        raise ArtifactError(f"{path} should have been made and is not there") from error
    return FileRecord(path=path, sha256=digest, size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def change_of(record: FileRecord) -> str | None:
    """Return why a recorded file no longer is what it was, or None.

    The content is read again only when size or time differ.
    """
    try:
        stat = record.path.stat()
    except OSError:
        return f"{record.path.name} is missing"
    if (stat.st_size, stat.st_mtime_ns) == (record.size, record.mtime_ns):
        return None
    if stat.st_size == record.size and files.sha256_file(record.path) == record.sha256:
        return None
    return f"{record.path.name} was changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """The journal of a work folder; paths inside that folder are kept relative to it."""

    folder: Path
    base: Path

    def read(self) -> dict[str, Entry]:
        """Return all entries by stage; one that cannot be read counts as absent, with a warning."""
        entries = {}
        for path in sorted(self.folder.glob("*.json")):
            try:
                entry = self._parse(files.read_json(path))
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                log.warn(f"the journal entry {path} is unreadable ({error}); that stage runs again")
                continue
            entries[entry.stage] = entry
        return entries

    def facts_of(self, stage: str) -> Mapping[str, Any]:
        """Return the facts of one stage; none where its entry is absent or cannot be read."""
        try:
            return dict(files.read_json(self.folder / f"{stage}.json")["facts"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def changed(self) -> float:
        """Return when an entry was last written or removed, in seconds since 1970; 0 without any."""
        places = [self.folder, *self.folder.glob("*.json")] if self.folder.is_dir() else []
        return max((place.stat().st_mtime for place in places), default=0.0)

    def write(self, entry: Entry) -> None:
        """Write an entry by rename."""
        files.write_json(self.folder / f"{entry.stage}.json", self._plain(entry))

    def remove(self, stage: str) -> None:
        """Forget a stage, before it starts anew."""
        (self.folder / f"{stage}.json").unlink(missing_ok=True)

    def _plain(self, entry: Entry) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "stage": entry.stage,
            "recipe": dict(entry.recipe),
            "inputs": dict(entry.inputs),
            "files": {
                name: {
                    "path": self._relative(record.path),
                    "sha256": record.sha256,
                    "size": record.size,
                    "mtime_ns": record.mtime_ns,
                }
                for name, record in entry.files.items()
            },
            "facts": dict(entry.facts),
            "commands": list(entry.commands),
            "seconds": round(entry.seconds, 3),
            "program_seconds": round(entry.program_seconds, 3),
            "started": entry.started,
            "pkgafdo": entry.version,
        }

    def _parse(self, data: dict[str, Any]) -> Entry:
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']} is not {FORMAT}")
        return Entry(
            stage=data["stage"],
            recipe=data["recipe"],
            inputs=data["inputs"],
            files={
                name: FileRecord(
                    path=self.base / record["path"],
                    sha256=record["sha256"],
                    size=record["size"],
                    mtime_ns=record["mtime_ns"],
                )
                for name, record in data["files"].items()
            },
            facts=data["facts"],
            commands=tuple(data["commands"]),
            seconds=data["seconds"],
            started=data["started"],
            version=data["pkgafdo"],
            program_seconds=data.get("program_seconds", 0.0),
        )

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.base)) if path.is_relative_to(self.base) else str(path)


def entry_of(
    stage: str,
    produced: Produced,
    *,
    recipe: Mapping[str, Any],
    inputs: Mapping[str, str],
    commands: tuple[str, ...],
    seconds: float,
    started: str,
    version: str,
    program_seconds: float = 0.0,
) -> Entry:
    """Make the entry of a stage that has just finished; digests its files."""
    return Entry(
        stage=stage,
        recipe=recipe,
        inputs=inputs,
        files={name: record_file(path) for name, path in produced.files.items()},
        facts=produced.facts,
        commands=commands,
        seconds=seconds,
        started=started,
        version=version,
        program_seconds=program_seconds,
    )
