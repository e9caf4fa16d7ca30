"""The frozen nouns that rooms hand to each other; constructing one touches no disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """One LLVM whose parts belong together.

    make_value is what goes into `make LLVM=…`: `1`, a suffix such as `-19`, or a folder ending in `/`.
    version is clang's (major, minor, patch); tools maps a plain name (`clang`, `llvm-profgen`) to its
    absolute path, without the absent ones.
    """

    make_value: str
    version: tuple[int, int, int]
    tools: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelTree:
    """A kernel source tree that is never written to.

    version is the tree's own `make kernelversion` (for example `7.2.13`); digest identifies the
    content (sha256 of the tarball, git commit, or of the tree's file list), kind says which.
    """

    path: Path
    version: str
    digest: str
    kind: str
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Vmlinux:
    """An uncompressed kernel with symbols and line tables.

    build_id is the GNU build-id in hex; release the kernelrelease (`uname -r`) when it is known.
    """

    path: Path
    build_id: str
    release: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageFile:
    """A pacman package file, known by its .PKGINFO.

    pkgname, pkgbase, pkgver (with pkgrel, as `7.2.13_pkgafdo-1`), arch; conflicts and provides are
    the names as written, version constraints included; size is the installed size in bytes.
    """

    path: Path
    pkgname: str
    pkgbase: str
    pkgver: str
    arch: str
    conflicts: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    size: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleProfile:
    """A converted AutoFDO profile in LLVM's extbinary format.

    functions counts the outlined functions that it names, samples is its total count.
    """

    path: Path
    sha256: str
    functions: int
    samples: int
