"""A copy of a PKGBUILD's folder for one round, with the round's values in it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.packaging.pkgbuild import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

PKGBUILD: Final = "PKGBUILD"
SRCINFO: Final = ".SRCINFO"
OURS: Final = (
    "_profile", "_profile_sum", "_provenance_sum", "_propeller", "_cc_sum", "_ld_sum",
    "_symbol_order", "_symbol_order_sum", "_address_map",
)  # fmt: skip
"""The variables of a round in a PKGBUILD of `pkgbuild new`."""

_KIND: Final = "copy of a PKGBUILD's folder"
_LEFT_OUT: Final = frozenset({"src", "pkg", ".git", files.MARK})
_PKGREL: Final = re.compile(r"^pkgrel=([0-9]+(?:\.[0-9]+)?)[ \t]*$", re.MULTILINE)


def content_of(folder: Path) -> tuple[Path, ...]:
    """Return the files that a build is made of, sorted: not makepkg's folders, clones and packages.

    Raises ConfigError when the folder has no PKGBUILD.
    """
    if not (folder / PKGBUILD).is_file():
        raise ConfigError(
            f"{folder} holds no PKGBUILD",
            hint="Name the folder that the PKGBUILD lies in (package.folder).",
        )
    return tuple(sorted(_content(folder)))


def _content(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        is_clone = (entry / "HEAD").is_file() and (entry / "objects").is_dir()
        if entry.name in _LEFT_OUT or ".pkg.tar" in entry.name or is_clone:
            continue
        if entry.is_dir():
            yield from (path for path in entry.rglob("*") if path.is_file())
        elif entry.is_file():
            yield entry


def folder_digest(folder: Path) -> str:
    """Return a digest over name, size and modification time of a folder's content."""
    status = ((path, path.stat()) for path in content_of(folder))
    return files.sha256_json(
        [[str(path.relative_to(folder)), one.st_size, one.st_mtime_ns] for path, one in status]
    )


def copy_folder(folder: Path, copy: Path) -> None:
    """Leave a fresh copy of a folder's content at `copy`, in a folder of ours."""
    files.remake_marked(copy, _KIND)
    for path in content_of(folder):
        place = copy / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)


def is_ours(text: str) -> bool:
    """Tell whether `pkgbuild new` wrote a PKGBUILD: all variables of a round are there, once."""
    return all(len(_assignments(text, name)) == 1 for name in OURS)


def set_variables(text: str, values: Mapping[str, str]) -> str:
    """Return a PKGBUILD's text with other values of variables that stand on lines of their own."""
    for name, value in values.items():
        if len(found := _assignments(text, name)) != 1:
            raise ArtifactError(
                f"the PKGBUILD sets {name} on {len(found) or 'no'} lines of its own, not on one",
                hint="Write the PKGBUILD anew with `pkgafdo pkgbuild new`.",
            )
        if found[0].group().partition("=")[2].strip("'") == value:
            continue  # a change is reviewed: what stays the same stays as it is written
        start, end = found[0].span()
        text = f"{text[:start]}{name}={quoted(value)}{text[end:]}"
    return text


def _assignments(text: str, name: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"^{re.escape(name)}=.*$", text, re.MULTILINE))


def set_pkgrel(text: str, pkgrel: str) -> str:
    """Return a PKGBUILD's text with another pkgrel, as makepkg itself would write it.

    A pkgrel that is not plainly written stays.
    """
    return _PKGREL.sub(f"pkgrel={pkgrel}", text) if len(_PKGREL.findall(text)) == 1 else text


def keep_changes(copy: Path, folder: Path, place: Path, names: Iterable[str]) -> tuple[Path, ...]:
    """Keep at `place` what of a copy differs from the folder, so that it can be copied back there.

    names: what was added to the copy, or written anew.
    """
    files.remake_marked(place, _KIND)
    kept = []
    for name in names:
        path = copy / name
        old = folder / name
        if not old.is_file() or old.read_bytes() != path.read_bytes():
            shutil.copyfile(path, place / name)
            kept.append(place / name)
    return tuple(kept)
