"""A stage as plain data, and what flows between stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pkgafdo.pipeline.entry import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Produced:
    """What a stage made: files (key → path, known by digest afterwards) and JSON-plain facts."""

    files: Mapping[str, Path] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """The outputs of earlier stages that a stage declared in `needs`, and nothing else.

    In a plan (`planned`), an output that does not exist yet is shown as ‹stage.key›, unless it is a
    fact among those `foretold`.
    """

    needs: tuple[str, ...]
    entries: Mapping[str, Entry]
    planned: bool = False
    foretold: Mapping[str, Any] = field(default_factory=dict)

    def file(self, key: str) -> Path:
        """Return the path of a declared input `stage.key`."""
        entry, name = self._find(key)
        if entry is None:
            return Path(f"‹{key}›")
        return entry.files[name].path

    def fact(self, key: str) -> Any:  # noqa: ANN401  a fact is any JSON type; the reader knows which
        """Return a declared input `stage.key` that is a fact."""
        entry, name = self._find(key)
        return self.foretold.get(key, f"‹{key}›") if entry is None else entry.facts[name]

    def digest(self, key: str) -> str:
        """Return what identifies the content of a declared input."""
        entry, name = self._find(key)
        if entry is None:
            return ""
        return entry.digest_of(name)

    def digests(self) -> dict[str, str]:
        """Return the digest of every declared input."""
        return {key: self.digest(key) for key in self.needs}

    def _find(self, key: str) -> tuple[Entry | None, str]:
        if key not in self.needs:
            raise KeyError(f"{key} is used but not declared in needs")
        stage, _, name = key.partition(".")
        if self.planned and stage not in self.entries:
            return None, name
        return self.entries[stage], name


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One step of a workflow.

    recipe holds the settings and tool facts that decide the result, JSON-plain; needs the outputs of
    earlier stages as `stage.key`. run does the work. preview returns the commands as shell lines. gate
    returns a sentence when a person must act first (boot the new kernel), else None. foretell
    returns the facts that a preview can have before the stage has run, and raises what run would.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    run: Callable[[Inputs], Produced]
    needs: tuple[str, ...] = ()
    preview: Callable[[Inputs], tuple[str, ...]] | None = None
    gate: Callable[[Inputs], str | None] | None = None
    foretell: Callable[[], Mapping[str, Any]] | None = None

    @property
    def upstream(self) -> tuple[str, ...]:
        """The names of the stages whose outputs this one uses."""
        return tuple(dict.fromkeys(key.partition(".")[0] for key in self.needs))
