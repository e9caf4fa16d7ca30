"""PKGBUILD models for tests."""

from __future__ import annotations

from typing import Any

from pkgafdo.packaging.pkgbuild_model import Pkgbuild
from pkgafdo.packaging.pkgbuild_sources import CACHYOS, KERNEL_ORG, KernelSource, LocalFile

B2 = "0123456789abcdef" * 8
SHA256 = "0123456789abcdef" * 4


def local(name: str, checksum: str = B2) -> LocalFile:
    """Return a local file with a sum of this kind."""
    return LocalFile(name=name, checksum=checksum)


def pkgbuild(**changes: Any) -> Pkgbuild:
    """Return the first round of a kernel.org kernel, with changes."""
    values: dict[str, Any] = {
        "pkgbase": "linux-mine",
        "pkgver": "6.18.54",
        "maintainer": "Jane Doe <jane at example dot org>",
        "source": KernelSource(url=f"{KERNEL_ORG}v6.x/linux-6.18.54.tar.xz", checksum=B2),
        "config": local("config"),
    }
    return Pkgbuild(**(values | changes))


def second_round() -> Pkgbuild:
    """Return the second round of the same kernel, with patches."""
    return pkgbuild(
        pkgrel=2,
        patches=(local("0001-one.patch"), local("0002-two.patch")),
        profile=local("kernel-0123456789abcdef.afdo"),
        provenance=local("kernel-0123456789abcdef.afdo.json"),
    )


def from_git() -> Pkgbuild:
    """Return a kernel from a git tag, without LTO, with another LLVM and sha256 sums."""
    return pkgbuild(
        pkgbase="linux-mine-rc",
        pkgver="7.2rc3",
        description="Linux, Jane's own (it's fast)",
        source=KernelSource(url="git+https://github.com/torvalds/linux.git#tag=v7.2-rc3"),
        config=local("config", SHA256),
        lto="none",
        llvm="-19",
    )


def cachyos() -> Pkgbuild:
    """Return CachyOS's tarball with all that a second round may have."""
    tag = "cachyos-7.2.0-1"
    return pkgbuild(
        pkgver="7.2.0",
        source=KernelSource(url=f"{CACHYOS}{tag}/{tag}.tar.gz", checksum=B2),
        profile=local("kernel-0123456789abcdef.afdo"),
        cc_profile=local("propeller-0123456789abcdef_cc_profile.txt"),
        ld_profile=local("propeller-0123456789abcdef_ld_profile.txt"),
        march="v3",
        modules=("NTSYNC-MODULE", "WIREGUARD-MODULE"),
        tuning=("-enable-ext-tsp-block-placement", "-import-hot-multiplier=60"),
        docs=True,
    )


GOLDEN = {
    "first-round": pkgbuild,
    "second-round": second_round,
    "git": from_git,
    "cachyos": cachyos,
}
"""The models that have golden files, by name."""
