"""Writing changed files into somebody's folder so that all of it can be taken back."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STATE: Final = ".pkgafdo-adapt"
"""The folder beside the PKGBUILD that keeps what was there before."""

_KIND: Final = "pkgbuild adapt"
_INDEX: Final = "changes.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is known of one file: digest of what was written, and whether there was one before."""

    written: str
    existed: bool


def write_changes(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files, each whole or not at all, after keeping what they replace.

    A file that is still as it was written the last time keeps its older original; one that somebody
    has changed since begins anew. Raises OSError where the folder cannot be written to.
    """
    state = folder / STATE
    files.mark_folder(state, _KIND)
    if not (state / ".gitignore").is_file():
        files.write_text(state / ".gitignore", "*\n")
    kept = _read_index(state)
    index: dict[str, Kept] = dict(kept)
    for name, content in contents.items():
        index[name] = _keep(folder, state, name, content, kept.get(name))
    # What is kept is on disk before anything changes: a crash leaves what `revert` needs.
    _write_index(state, index)
    for name, content in contents.items():
        _write(folder / name, content)


def revert(folder: Path) -> tuple[str, ...]:
    """Put everything back as it was before the first `write_changes`; returns the files' names.

    Raises ArtifactError when there is nothing to take back, or a file was changed since.
    """
    state = folder / STATE
    index = _read_index(state) if (state / files.MARK).is_file() else {}
    if not index:
        raise ArtifactError(
            f"{folder} was not changed by pkgafdo", hint="There is nothing to take back."
        )
    changed = [name for name, kept in index.items() if not _may_revert(folder, state, name, kept)]
    if changed:
        raise ArtifactError(
            f"{', '.join(changed)} was changed after pkgafdo wrote it",
            details=f"What was there before is in {state}.",
            hint="Copy it from there by hand; nothing was changed.",
        )
    for name, kept in index.items():
        if kept.existed:
            _write(folder / name, (state / name).read_bytes())
        else:
            (folder / name).unlink(missing_ok=True)
    shutil.rmtree(state)
    return tuple(index)


def _keep(folder: Path, state: Path, name: str, content: bytes, kept: Kept | None) -> Kept:
    """Keep what a file replaces, unless its original is kept already."""
    path = folder / name
    written = _digest(content)
    current = path.read_bytes() if path.is_file() else None
    if kept is not None and current is not None and _digest(current) == kept.written:
        return Kept(written=written, existed=kept.existed)
    if current is not None:
        with files.replacing(state / name) as temporary:
            temporary.write_bytes(current)
    return Kept(written=written, existed=current is not None)


def _may_revert(folder: Path, state: Path, name: str, kept: Kept) -> bool:
    """Tell whether a file is as it was written, or still (or again) as it was before."""
    path = folder / name
    if not path.is_file():
        return not kept.existed
    current = path.read_bytes()
    if _digest(current) == kept.written:
        return True
    return kept.existed and current == (state / name).read_bytes()


def _write(path: Path, content: bytes) -> None:
    """Write a file by rename, with the mode that it had; a link stays a link."""
    target = path.resolve()
    mode = target.stat().st_mode & 0o7777 if target.is_file() else None
    with files.replacing(target) as temporary:
        temporary.write_bytes(content)
    if mode is not None and mode != 0o644:
        target.chmod(mode)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_index(state: Path) -> dict[str, Kept]:
    path = state / _INDEX
    if not path.is_file():
        return {}
    try:
        plain: dict[str, dict[str, Any]] = files.read_json(path)
        return {
            name: Kept(written=str(one["written"]), existed=bool(one["existed"]))
            for name, one in plain.items()
            if "/" not in name and name not in {".", ".."}
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"{path} is damaged", details=str(error), hint=f"The originals are in {state}."
        ) from error


def _write_index(state: Path, index: Mapping[str, Kept]) -> None:
    files.write_json(
        state / _INDEX,
        {name: {"written": one.written, "existed": one.existed} for name, one in index.items()},
    )
