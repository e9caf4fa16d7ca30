"""What a kernel's packages say of the profile that built them, as a file beside a repository's packages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.files import sha256_file
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile
    from pkgafdo.runner.base import Runner

SUFFIX: Final = ".provenance.json"
_FOLDER: Final = "usr/share/doc"


def file_name(pkgbase: str, version: str) -> str:
    """Return the name of the file for the packages of a pkgbase."""
    return f"{pkgbase}-{version}{SUFFIX}"


def read_member_command(package: Path, pattern: str) -> Command:
    """Return the command that prints the files of a package that a pattern fits."""
    return Command(
        argv=("bsdtar", "-xOf", str(package), pattern),
        accept=frozenset({0, 1}),  # 1: there is no such file
        hint="Install bsdtar (Arch: libarchive, Debian: libarchive-tools).",
    )


def shipped(runner: Runner, package: PackageFile) -> dict[str, Any]:
    """Return what a kernel's package ships: `build` (its provenance.txt) and `profile` (JSON)."""
    place = f"{_FOLDER}/{package.pkgbase}"
    text = runner.query(read_member_command(package.path, f"{place}/provenance.txt")).stdout
    profile = runner.query(read_member_command(package.path, f"{place}/*.afdo.json")).stdout
    found: dict[str, Any] = {}
    if text:
        pairs = (line.partition(": ") for line in text.splitlines())
        found["build"] = {key: value for key, separator, value in pairs if separator}
    if profile:
        found["profile"] = parse_profile(profile, str(package.path))
    return found


def parse_profile(text: str, where: str) -> dict[str, Any]:
    """Parse a profile's provenance; raises ArtifactError when it is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ArtifactError(
            f"the provenance in {where} is not JSON",
            details=str(error),
            hint="Name another with --provenance.",
        ) from error
    if not isinstance(found, dict):
        raise ArtifactError(f"the provenance in {where} is no JSON object")
    return found


def describe(packages: Iterable[PackageFile], known: dict[str, Any]) -> dict[str, Any]:
    """Return what is published for the packages of one pkgbase: their digests, and what is known."""
    every = sorted(packages, key=lambda package: package.pkgname)
    return {
        "pkgbase": every[0].pkgbase,
        "version": every[0].pkgver,
        "packages": {package.path.name: sha256_file(package.path) for package in every},
        **known,
    }
