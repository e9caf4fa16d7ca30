"""The packages that come out of a kernel's PKGBUILD, and what makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MAKEDEPENDS: Final = (
    "bc", "bison", "clang", "cpio", "flex", "gettext", "kmod", "libelf", "lld", "llvm", "openssl",
    "pahole", "perl", "python", "rsync", "tar", "xz", "zstd",
)  # fmt: skip
_DOCS_MAKEDEPENDS: Final = (
    "graphviz", "imagemagick", "python-sphinx", "python-yaml", "texlive-latexextra",
)  # fmt: skip
"""What `make htmldocs` needs (Arch's linux PKGBUILD)."""


@dataclass(frozen=True, kw_only=True, slots=True)
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


def makedepends(*, git: bool, docs: bool) -> tuple[str, ...]:
    """Return what a build needs beside base-devel."""
    more = (*(("git",) if git else ()), *(_DOCS_MAKEDEPENDS if docs else ()))
    return tuple(sorted((*_MAKEDEPENDS, *more)))


def packages(pkgbase: str, what: str, *, docs: bool) -> tuple[Package, ...]:
    """Return the kernel's package, its headers', the one with vmlinux, and perhaps the docs'."""
    found = (
        Package(
            name=pkgbase,
            description=f"{what}: kernel and modules",
            depends=("coreutils", "initramfs", "kmod"),
            optdepends=(
                "linux-firmware: firmware that many devices need",
                "scx-scheds: schedulers for sched_ext",
                "wireless-regdb: the channels that your country allows",
            ),
        ),
        Package(
            name=f"{pkgbase}-headers",
            description=f"{what}: headers and scripts for building modules",
            depends=("pahole",),
        ),
        Package(
            name=f"{pkgbase}-debug",
            description=f"{what}: unstripped vmlinux, for making profiles",
        ),
    )
    if not docs:
        return found
    return (*found, Package(name=f"{pkgbase}-docs", description=f"{what}: documentation"))
