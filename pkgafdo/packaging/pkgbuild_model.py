"""A kernel's PKGBUILD as validated values."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.packaging.pkgbuild_fields import (  # noqa: TC001  pydantic reads them at run time
    Https,
    Llvm,
    LlvmOption,
    PgpKey,
    Pkgbase,
    Pkgver,
    Text,
)
from pkgafdo.packaging.pkgbuild_packages import Module, Package, makedepends, packages
from pkgafdo.packaging.pkgbuild_sources import (  # noqa: TC001  as above
    Entry,
    KernelSource,
    LocalFile,
)
from pkgafdo.settings import SETTINGS

OPTIONS: Final = ("!strip", "!debug", "!lto", "!buildflags")
"""GNU strip fails on what clang leaves in modules; makepkg's own flags are not for kernels."""
CONFIG_NAME: Final = "config"
LAYOUT_SUFFIXES: Final = ("_cc_profile.txt", "_ld_profile.txt")
"""What Kbuild appends to the prefix of Propeller's two lists (scripts/Makefile.propeller)."""
RELEASE_LIMIT: Final = 64
"""Longest `uname -r` in characters (__NEW_UTS_LEN, include/uapi/linux/utsname.h)."""
March = Literal["generic", "v2", "v3", "v4", "znver4", "native"]

_LTO: Final = {"thin": "LTO_CLANG_THIN", "none": "LTO_NONE"}


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
    """Fingerprints of further keys that sign the source."""
    patches: tuple[LocalFile, ...] = ()
    """Patches in the order in which they are applied."""
    config: LocalFile
    """The kernel's configuration."""
    modules: tuple[Module, ...] = ()
    """What it has modules for, and other packages ask a kernel for."""
    profile: LocalFile | None = None
    """The profile of the second round; none in the first."""
    provenance: LocalFile | None = None
    """Where the profile comes from."""
    cc_profile: LocalFile | None = None
    """Propeller's clusters of basic blocks, NAME_cc_profile.txt; needs a profile and ld_profile."""
    ld_profile: LocalFile | None = None
    """Propeller's order of symbols, NAME_ld_profile.txt."""
    symbol_order: LocalFile | None = None
    """An order of functions for the linker, in place of Propeller's."""
    address_map: bool = False
    """Give vmlinux the map of its blocks that a Propeller layout is made with."""
    march: March = "generic"
    """The processor: generic, a level of x86-64 (v2, v3, v4), znver4, or the one that builds."""
    lto: Literal["thin", "none"] = "thin"
    """Link time optimization."""
    tuning: tuple[LlvmOption, ...] = ()
    """LLVM options for whoever generates the code, with a profile."""
    llvm: Llvm = "1"
    """What make gets as LLVM=."""
    docs: bool = False
    """Make a package of the kernel's documentation, too."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        files = (*self._fixed_files(), *self._profile_files())
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
        if self.source.is_signed and not self.pgp_keys:
            raise ValueError("a signed source needs the keys that sign it")
        if len(self.release) > RELEASE_LIMIT:
            raise ValueError(f"the release {self.release} exceeds {RELEASE_LIMIT} characters")
        return self

    @model_validator(mode="after")
    def _profiles_fit_together(self) -> Self:
        if self.provenance and (
            not self.profile or self.provenance.name != f"{self.profile.name}.json"
        ):
            raise ValueError("a provenance belongs to a profile and has its name and “.json”")
        lists = [one.name if one else "" for one in (self.cc_profile, self.ld_profile)]
        if any(lists) and lists != [f"{self.layout_name}{suffix}" for suffix in LAYOUT_SUFFIXES]:
            raise ValueError("Propeller's lists are NAME_cc_profile.txt and NAME_ld_profile.txt")
        if (any(lists) or self.symbol_order) and not self.profile:
            raise ValueError("a layout belongs to a kernel that is built with a profile")
        if any(lists) and self.symbol_order:
            raise ValueError("Propeller's lists have an order of symbols already")
        return self

    def _fixed_files(self) -> tuple[LocalFile, ...]:
        return (*self.patches, self.config)

    def _profile_files(self) -> tuple[LocalFile, ...]:
        """Return the files of a round with a profile, in the order in which the template adds them."""
        found = (
            self.profile, self.provenance, self.cc_profile, self.ld_profile, self.symbol_order,
        )  # fmt: skip
        return tuple(one for one in found if one)

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
    def layout_name(self) -> str:
        """The common prefix of Propeller's lists; empty without them."""
        return self.cc_profile.name.removesuffix(LAYOUT_SUFFIXES[0]) if self.cc_profile else ""

    @property
    def pgp_keys(self) -> tuple[str, ...]:
        """The keys that may sign the source."""
        return (*self.source.keys, *self.extra_keys)

    @property
    def makedepends(self) -> tuple[str, ...]:
        """What a build needs beside base-devel."""
        return makedepends(git=self.source.is_git, docs=self.docs)

    def fixed_sources(self) -> tuple[Entry, ...]:
        """Return the entries of source=() that both rounds have."""
        return (*self.source.entries(), *(one.entry for one in self._fixed_files()))

    def sources(self) -> tuple[Entry, ...]:
        """Return all entries of source=(), the profile's too."""
        return (*self.fixed_sources(), *(one.entry for one in self._profile_files()))

    def packages(self) -> tuple[Package, ...]:
        """Return the kernel's package, its headers', the one with vmlinux, and that of the docs."""
        return packages(self.pkgbase, self.description, modules=self.modules, docs=self.docs)
