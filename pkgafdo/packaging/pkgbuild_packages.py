"""The packages that come out of a kernel's PKGBUILD, and what makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAKEDEPENDS: Final = (
    "bc", "bison", "clang", "cpio", "flex", "gettext", "kmod", "libelf", "lld", "llvm", "openssl",
    "pahole", "perl", "python", "rsync", "tar", "xz", "zstd",
)  # fmt: skip
_DOCS_MAKEDEPENDS: Final = (
    "graphviz", "imagemagick", "python-sphinx", "python-yaml", "texlive-latexextra",
)  # fmt: skip
"""What `make htmldocs` needs (Arch's linux PKGBUILD)."""
Module = Literal["KSMBD-MODULE", "NTSYNC-MODULE", "VIRTUALBOX-GUEST-MODULES", "WIREGUARD-MODULE"]
"""What other packages ask any kernel for (Arch's linux PKGBUILD)."""
_MODULES: Final[dict[str, Module]] = {
    "SMB_SERVER": "KSMBD-MODULE",
    "NTSYNC": "NTSYNC-MODULE",
    "VBOXGUEST": "VIRTUALBOX-GUEST-MODULES",
    "WIREGUARD": "WIREGUARD-MODULE",
}
"""The Kconfig options that make them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One of the packages: its name, and what its function declares."""

    name: str
    description: str
    depends: tuple[str, ...] = ()
    optdepends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """The name of the function that fills the package."""
        return f"package_{self.name}"


def makedepends(*, git: bool, docs: bool) -> tuple[str, ...]:
    """Return what a build needs beside base-devel."""
    more = (*(("git",) if git else ()), *(_DOCS_MAKEDEPENDS if docs else ()))
    return tuple(sorted((*_MAKEDEPENDS, *more)))


def modules_of(config: Mapping[str, str]) -> tuple[Module, ...]:
    """Return what a configuration provides, by its options without CONFIG_."""
    return tuple(name for option, name in _MODULES.items() if config.get(option) in {"y", "m"})


def packages(
    pkgbase: str, what: str, *, modules: tuple[Module, ...], docs: bool
) -> tuple[Package, ...]:
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
            provides=modules,
        ),
        Package(
            name=f"{pkgbase}-headers",
            description=f"{what}: headers and scripts for building modules",
            # Modules are built with the kernel's compiler: DKMS takes clang for this one.
            depends=("clang", "lld", "llvm", "pahole"),
            provides=("LINUX-HEADERS",),
        ),
        Package(
            name=f"{pkgbase}-debug",
            description=f"{what}: unstripped vmlinux, for making profiles",
        ),
    )
    if not docs:
        return found
    return (*found, Package(name=f"{pkgbase}-docs", description=f"{what}: documentation"))
