"""What a kernel's PKGBUILD is made of: validated values, and the packages that come out."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.packaging.pkgbuild_fields import (  # noqa: TC001  pydantic reads them at run time
    FileName,
    Https,
    Llvm,
    PgpKey,
    Pkgbase,
    Pkgver,
    SourceUrl,
    Sum,
    Text,
)
from pkgafdo.settings import SETTINGS

KERNEL_ORG: Final = "https://cdn.kernel.org/pub/linux/kernel/"
KERNEL_ORG_KEYS: Final = (
    "ABAF11C65A2970B130ABE3C479BE3E4300411886",  # Linus Torvalds
    "647F28654894E3BD457199BE38DBBDC86092693E",  # Greg Kroah-Hartman
)
"""Who signs kernel.org's tarballs (https://www.kernel.org/signature.html)."""
OPTIONS: Final = ("!strip", "!debug", "!lto", "!buildflags")
"""GNU strip fails on what clang leaves in modules; makepkg's own flags are not for kernels."""
CONFIG_NAME: Final = "config"
SKIP: Final = "SKIP"
RELEASE_LIMIT: Final = 64
"""Longest `uname -r` in characters (__NEW_UTS_LEN, include/uapi/linux/utsname.h)."""

_MAKEDEPENDS: Final = (
    "bc", "bison", "clang", "cpio", "flex", "gettext", "kmod", "libelf", "lld", "llvm", "openssl",
    "pahole", "perl", "python", "rsync", "tar", "xz", "zstd",
)  # fmt: skip
_LTO: Final = {"thin": "LTO_CLANG_THIN", "none": "LTO_NONE"}
_TARBALL_SUFFIXES: Final = (".tar.xz", ".tar.gz", ".tar.zst", ".tar.bz2", ".tgz", ".tar")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of source=() with its checksum."""

    name: str
    checksum: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One of the packages: its name, and what its function declares."""

    name: str
    description: str
    depends: tuple[str, ...] = ()
    optdepends: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """The name of the function that fills the package."""
        return f"package_{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class LocalFile:
    """A file that lies beside the PKGBUILD."""

    name: FileName
    """Its name there."""
    checksum: Sum
    """Its sum in hex."""


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
        """Whether it comes with a signature: kernel.org's tarballs do."""
        return self.url.startswith(KERNEL_ORG)

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
        # kernel.org signs what is in the compressed file.
        signed = self.url[: self.url.rindex(".tar") + len(".tar")]
        return tarball, Entry(name=f"{signed}.sign", checksum=SKIP)


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class Pkgbuild:
    """A kernel's PKGBUILD; constructing one validates every value and touches no disk."""

    pkgbase: Pkgbase
    """Base name of the packages."""
    pkgver: Pkgver
    """Version of the kernel."""
    pkgrel: int = Field(default=1, ge=1, le=99999)
    """Grows with every release of the same version."""
    description: Text = "Linux, optimised with AutoFDO"
    """What the packages are."""
    url: Https = "https://www.kernel.org/"
    """Where the project lives."""
    maintainer: Text = "nobody yet"
    """Who maintains the package, as “Name <address>”."""
    source: KernelSource
    """Where the kernel's source comes from."""
    extra_keys: tuple[PgpKey, ...] = ()
    """Fingerprints of further keys that sign the tarball."""
    patches: tuple[LocalFile, ...] = ()
    """Patches in the order in which they are applied."""
    config: LocalFile
    """The kernel's configuration."""
    profile: LocalFile | None = None
    """The profile of the second round; none in the first."""
    provenance: LocalFile | None = None
    """Where the profile comes from."""
    lto: Literal["thin", "none"] = "thin"
    """Link time optimization."""
    llvm: Llvm = "1"
    """What make gets as LLVM=."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        files = self._files()
        names = [one.name for one in files]
        sums = {len(one.checksum) for one in files} | {len(self.source.checksum)} - {0}
        if len(set(names)) != len(names):
            raise ValueError("two files beside the PKGBUILD have one name")
        if len(sums) != 1:
            raise ValueError("all checksums are of one kind: sha256, or b2")
        if not all(one.name.endswith((".patch", ".diff")) for one in self.patches):
            raise ValueError("a patch's name ends in .patch or .diff")
        if self.config.name != CONFIG_NAME:
            raise ValueError(f"the configuration is called “{CONFIG_NAME}”")
        if self.provenance and (
            not self.profile or self.provenance.name != f"{self.profile.name}.json"
        ):
            raise ValueError("a provenance belongs to a profile and has its name and “.json”")
        if len(self.release) > RELEASE_LIMIT:
            raise ValueError(f"the release {self.release} exceeds {RELEASE_LIMIT} characters")
        return self

    def _files(self) -> tuple[LocalFile, ...]:
        optional = tuple(one for one in (self.profile, self.provenance) if one)
        return (*self.patches, self.config, *optional)

    @property
    def release(self) -> str:
        """The release that `uname -r` shows, as far as it is known before the build."""
        return f"{self.pkgver}-{self.pkgrel}{self.pkgbase.removeprefix('linux')}"

    @property
    def sums(self) -> str:
        """The name of the array of checksums."""
        return "b2sums" if len(self.config.checksum) == 128 else "sha256sums"

    @property
    def lto_option(self) -> str:
        """The Kconfig option of the link time optimization."""
        return _LTO[self.lto]

    @property
    def profile_name(self) -> str:
        """The profile's name; empty without one."""
        return self.profile.name if self.profile else ""

    @property
    def profile_sum(self) -> str:
        """The profile's checksum; empty without one."""
        return self.profile.checksum if self.profile else ""

    @property
    def provenance_sum(self) -> str:
        """The provenance's checksum; empty without one."""
        return self.provenance.checksum if self.provenance else ""

    @property
    def pgp_keys(self) -> tuple[str, ...]:
        """The keys that may sign the source."""
        return (*(KERNEL_ORG_KEYS if self.source.is_signed else ()), *self.extra_keys)

    @property
    def makedepends(self) -> tuple[str, ...]:
        """What a build needs beside base-devel."""
        return tuple(sorted((*_MAKEDEPENDS, *(("git",) if self.source.is_git else ()))))

    def fixed_sources(self) -> tuple[Entry, ...]:
        """Return the entries of source=() that both rounds have."""
        local = (*self.patches, self.config)
        return (
            *self.source.entries(),
            *(Entry(name=one.name, checksum=one.checksum) for one in local),
        )

    def sources(self) -> tuple[Entry, ...]:
        """Return all entries of source=(), the profile's too."""
        added = tuple(one for one in (self.profile, self.provenance) if one)
        return (
            *self.fixed_sources(),
            *(Entry(name=one.name, checksum=one.checksum) for one in added),
        )

    def packages(self) -> tuple[Package, Package, Package]:
        """Return the kernel's package, its headers' and the one with vmlinux."""
        what = self.description
        return (
            Package(
                name=self.pkgbase,
                description=f"{what}: kernel and modules",
                depends=("coreutils", "initramfs", "kmod"),
                optdepends=(
                    "linux-firmware: firmware that many devices need",
                    "scx-scheds: schedulers for sched_ext",
                    "wireless-regdb: the channels that your country allows",
                ),
            ),
            Package(
                name=f"{self.pkgbase}-headers",
                description=f"{what}: headers and scripts for building modules",
                depends=("pahole",),
            ),
            Package(
                name=f"{self.pkgbase}-debug",
                description=f"{what}: unstripped vmlinux, for making profiles",
            ),
        )
