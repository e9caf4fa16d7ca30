"""A folder with a PKGBUILD and all that belongs to it: written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import files
from pkgafdo.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def checksum(content: bytes, sums: str) -> str:
    """Return the sum of a file's bytes as makepkg's array (`b2sums` or `sha256sums`) wants it."""
    return hashlib.new("blake2b" if sums == "b2sums" else "sha256", content).hexdigest()


def require_absent(folder: Path, names: tuple[str, ...]) -> None:
    """Raise ConfigError when a file that would be written is there already."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder", hint="Name a folder that may be created.")
    there = [name for name in names if os.path.lexists(folder / name)]
    if there:
        raise ConfigError(
            f"{folder} holds {', '.join(there)} already; nothing is overwritten",
            hint="Name another folder, or move these files away.",
        )


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write new files into a new or existing folder; after an error none of them is there.

    Raises ConfigError when one of them exists, also when it appeared meanwhile.
    """
    require_absent(folder, tuple(contents))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        staged = Path(name, "staged")
        staged.mkdir()
        for file, content in contents.items():
            with files.replacing(staged / file) as temporary:
                temporary.write_bytes(content)
        if folder.exists():
            _link_all(staged, folder, tuple(contents))
        else:
            staged.rename(folder)


def _link_all(staged: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Give files their names in a folder; a link, unlike a rename, never replaces anything."""
    done: list[Path] = []
    try:
        for name in names:
            (folder / name).hardlink_to(staged / name)
            done.append(folder / name)
    except FileExistsError:
        _remove(done)
        require_absent(folder, names)
        raise
    except BaseException:
        _remove(done)
        raise


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
