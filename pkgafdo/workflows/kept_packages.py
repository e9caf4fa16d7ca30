"""Keeping what a round built in the work folder: packages with their signatures, the address map."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from pkgafdo import files
from pkgafdo.kernel import image
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


def keep_address_map(objects: Path, folder: Path, which: str) -> dict[str, Path]:
    """Copy the vmlinux that has the address map into a folder; ArtifactError when none has."""
    place = folder / f"{which}.vmlinux.unstripped"
    files.copy_file(image.require_mapped(objects), place)
    return {"address_map": place}
