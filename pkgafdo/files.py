"""Files that are whole or absent: write-then-rename, digests, folders that carry our mark."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.errors import ConfigError, HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MARK: Final = ".pkgafdo"
"""Name of the file that marks a folder as made by pkgafdo, and so as its to delete."""


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_bytes(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def sha256_json(value: object) -> str:
    """Return the SHA-256 of a JSON-plain value in its canonical form, in hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def unwritable(path: Path, error: OSError) -> HostError:
    """Return what to raise for a file that cannot be made."""
    return HostError(
        f"{path} could not be written",
        details=str(error.strerror or error),
        hint="Free some space there, or choose another place.",
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place on success, remove it on failure.

    Raises HostError for a place that takes no files, such as /proc; other OSErrors pass through.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except FileNotFoundError as error:
        raise unwritable(path, error) from error
    os.close(handle)
    temporary = path.parent / name
    try:
        yield temporary
        # mkstemp makes the file private; artifacts are for everyone that the umask lets in.
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def copy_file(path: Path, place: Path) -> None:
    """Copy a file's bytes to another place by rename."""
    with replacing(place) as temporary:
        shutil.copyfile(path, temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file by rename."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write an indented JSON file by rename."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401  JSON is any of its types; callers check
    """Read a JSON file; OSError and ValueError (not JSON) pass through."""
    return json.loads(path.read_text(encoding="utf-8"))


def require_ours(path: Path, kind: str) -> None:
    """Raise ConfigError unless a folder is absent, empty, or carries our mark of this kind."""
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is not a folder", hint="Name a folder that may be created.")
    mark = path / MARK
    if mark.is_file():
        found = mark.read_text(encoding="utf-8", errors="replace").strip()
        if found != kind:
            raise ConfigError(
                f"{path} belongs to something else",
                details=f"Its {MARK} file says “{found[:80]}”, expected “{kind}”.",
                hint="Choose another folder.",
            )
    elif path.is_dir() and (held := _contents(path)):
        raise ConfigError(
            f"{path} is not empty and was not made by pkgafdo",
            details=f"It holds {', '.join(held[:5])}.",
            hint="Choose an empty or new folder; nothing was changed.",
        )


def _contents(path: Path) -> list[str]:
    """Return the names in a folder, without what a killed `mark_folder` leaves."""
    names = (entry.name for entry in path.iterdir())
    return sorted(name for name in names if not name.startswith(f".{MARK}."))


def mark_folder(path: Path, kind: str) -> None:
    """Create a folder of ours, or accept one that already is; raises as `require_ours` does.

    Raises ConfigError too where no folder can be created.
    """
    require_ours(path, kind)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not (path / MARK).is_file():
            write_text(path / MARK, kind + "\n")
    except OSError as error:
        raise ConfigError(
            f"the folder {path} cannot be created",
            details=str(error),
            hint="Choose a folder where you may write.",
        ) from error


def remove_marked(path: Path) -> None:
    """Delete a folder that carries our mark; refuse to touch any other."""
    if not path.exists():
        return
    if path.is_symlink() or not (path / MARK).is_file():
        raise ConfigError(
            f"{path} was not made by pkgafdo, so it is not deleted",
            hint="Remove it by hand if it is in the way.",
        )
    # The mark goes last: a removal that was killed midway can be taken up again.
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != MARK:
            entry.unlink()
    shutil.rmtree(path)


def remake_marked(path: Path, kind: str) -> None:
    """Leave an empty folder of ours at `path`, deleting an older one of ours."""
    if path.is_symlink() or not path.is_dir() or _contents(path):
        remove_marked(path)
    mark_folder(path, kind)


def tail(path: Path, lines: int = 30) -> str:
    """Return the last lines of a text file without reading all of it."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - 400 * lines))
        text = stream.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])
