"""What a kernel's PKGBUILD is made of: where the kernel comes from, and the files beside it."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal, Self

from pydantic import model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.packaging.pkgbuild_fields import (  # noqa: TC001  pydantic reads them at run time
    FileName,
    SourceUrl,
    Sum,
)
from pkgafdo.settings import SETTINGS

KERNEL_ORG: Final = "https://cdn.kernel.org/pub/linux/kernel/"
KERNEL_ORG_GIT: Final = "git+https://git.kernel.org/pub/scm/linux/kernel/git/"
KERNEL_ORG_KEYS: Final = (
    "ABAF11C65A2970B130ABE3C479BE3E4300411886",  # Linus Torvalds
    "647F28654894E3BD457199BE38DBBDC86092693E",  # Greg Kroah-Hartman
)
"""Who signs kernel.org's tarballs and tags (https://www.kernel.org/signature.html)."""
CACHYOS: Final = "https://github.com/CachyOS/linux/releases/download/"
CACHYOS_KEYS: Final = (
    "E18447AC260021D31F3FF6C4C8A2A4774B8B63C4",  # Eric Naim
    "E8B9AA39F054E30E8290D492C3C4820857F654FE",  # Peter Jung
)
"""Who signs CachyOS's tarballs (validpgpkeys of linux-cachyos/PKGBUILD)."""
SKIP: Final = "SKIP"

_SIGNED: Final = "?signed#"
_KEYS: Final = {KERNEL_ORG: KERNEL_ORG_KEYS, KERNEL_ORG_GIT: KERNEL_ORG_KEYS, CACHYOS: CACHYOS_KEYS}
_TARBALL_SUFFIXES: Final = (".tar.xz", ".tar.gz", ".tar.zst", ".tar.bz2", ".tgz", ".tar")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of source=() with its checksum."""

    name: str
    checksum: str


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class LocalFile:
    """A file that lies beside the PKGBUILD."""

    name: FileName
    """Its name there."""
    checksum: Sum
    """Its sum in hex."""

    @property
    def entry(self) -> Entry:
        """Its entry in source=()."""
        return Entry(name=self.name, checksum=self.checksum)


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class KernelSource:
    """Where the kernel's source comes from: a tarball with a sum, or a git tag or commit."""

    url: SourceUrl
    """URL of a tarball, or git+https://…#tag=…"""
    checksum: Sum | Literal[""] = ""
    """Sum of the tarball; empty for git."""

    @model_validator(mode="after")
    def _has_its_sum(self) -> Self:
        if self.is_git and self.checksum:
            raise ValueError("a git source has no checksum: its tag or commit names it")
        if not self.is_git and not self.checksum:
            raise ValueError("a tarball needs its checksum")
        if not self.is_git and not self.url.endswith(_TARBALL_SUFFIXES):
            raise ValueError(f"a tarball's URL ends in {', '.join(_TARBALL_SUFFIXES)}")
        return self

    @property
    def is_git(self) -> bool:
        """Whether makepkg clones it."""
        return self.url.startswith("git+")

    @property
    def is_signed(self) -> bool:
        """Whether makepkg looks for a signature."""
        return _SIGNED in self.url or self.url.startswith((KERNEL_ORG, CACHYOS))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are known to sign it."""
        if not self.is_signed:
            return ()
        return next((keys for place, keys in _KEYS.items() if self.url.startswith(place)), ())

    @property
    def folder(self) -> str:
        """The folder that it is unpacked to."""
        name = self.url.rpartition("/")[2]
        for suffix in _TARBALL_SUFFIXES:
            name = name.removesuffix(suffix)
        return "linux" if self.is_git else name

    def entries(self) -> tuple[Entry, ...]:
        """Return its entries in source=()."""
        if self.is_git:
            return (Entry(name=f"{self.folder}::{self.url}", checksum=SKIP),)
        tarball = Entry(name=self.url, checksum=self.checksum)
        if not self.is_signed:
            return (tarball,)
        return tarball, Entry(name=self._signature, checksum=SKIP)

    @property
    def _signature(self) -> str:
        if self.url.startswith(CACHYOS):
            return f"{self.url}.asc"
        # kernel.org signs what is in the compressed file.
        return self.url[: self.url.rindex(".tar") + len(".tar")] + ".sign"
