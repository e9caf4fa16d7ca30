"""Keeping a round's packages, with their signatures, in the work folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from pkgafdo import files
from pkgafdo.packaging import makepkg

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile


def keep_packages(packages: tuple[PackageFile, ...], folder: Path) -> tuple[PackageFile, ...]:
    """Move packages and their signatures into the work folder, replacing those of an earlier build."""
    files.remake_marked(folder, "packages")
    kept = []
    for package in packages:
        place = folder / package.path.name
        shutil.move(package.path, place)
        if (signed := makepkg.signature(package.path)).is_file():
            shutil.move(signed, makepkg.signature(place))
        kept.append(replace(package, path=place))
    return tuple(kept)
