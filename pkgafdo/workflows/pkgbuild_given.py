"""What a new PKGBUILD is asked for: the source's URL and sum, the files that lie beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel.make import layout_prefix, profile_file
from pkgafdo.packaging.pkgbuild_fields import check_pkgver
from pkgafdo.packaging.pkgbuild_folder import checksum
from pkgafdo.packaging.pkgbuild_model import CONFIG_NAME, LAYOUT_SUFFIXES
from pkgafdo.packaging.pkgbuild_sources import CACHYOS, KERNEL_ORG, KernelSource
from pkgafdo.profile.magic import require_profile
from pkgafdo.profile.provenance import find_provenance, provenance_path
from pkgafdo.propeller.read import parse_cc_profile, parse_ld_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

Lto = Literal["thin", "none"]

_CACHYOS: Final = re.compile(r"cachyos(?:-([1-9][0-9]*))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `pkgbuild new` was asked for; None and empty mean: what the work folder says, or default.

    plain holds the model's plain fields (description, url, maintainer, llvm, march, docs …); source is
    the URL of a tarball or a git tag, or `cachyos`; tarball a local copy of it, to take the checksum
    from; layout the prefix of Propeller's two lists.
    """

    folder: Path
    name: str
    version: str | None = None
    pkgrel: int = 1
    config_file: Path | None = None
    profile: Path | None = None
    layout: Path | None = None
    symbol_order: Path | None = None
    lto: Lto | None = None
    tuning: bool | None = None
    source: str | None = None
    checksum: str = ""
    tarball: Path | None = None
    patches: tuple[Path, ...] = ()
    extra_keys: tuple[str, ...] = ()
    plain: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An order with nothing left open."""

    order: Order
    version: str
    config: bytes
    profile: Path | None
    layout: tuple[Path, Path] | None
    lto: Lto
    tuning: tuple[str, ...]
    source: str | None
    checksum: str


def local_files(given: Given) -> dict[str, tuple[str, bytes]]:
    """Return the files that lie beside the PKGBUILD, by what they are: name there and content."""
    order = given.order
    local = {"config": (CONFIG_NAME, given.config)}
    for number, patch in enumerate(order.patches):
        local[f"patch-{number}"] = (patch.name, read_file(patch, "patch"))
    if given.profile is not None:
        local |= _profile_files(given.profile)
    if given.layout is not None:
        local |= _layout_files(given.layout)
    if order.symbol_order is not None:
        content = read_file(order.symbol_order, "order of functions")
        local["symbol_order"] = (f"order-{files.sha256_bytes(content)[:16]}.txt", content)
    return local


def _profile_files(profile: Path) -> dict[str, tuple[str, bytes]]:
    content = require_profile(profile)
    name = profile_file(Path(), files.sha256_bytes(content)).name
    local = {"profile": (name, content)}
    if find_provenance(profile) is not None:
        local["provenance"] = (f"{name}.json", provenance_path(profile).read_bytes())
    return local


def layout_lists(prefix: Path) -> tuple[Path, Path]:
    """Return the paths of Propeller's two lists by their common prefix, as Kbuild does."""
    clusters, symbols = LAYOUT_SUFFIXES
    return Path(f"{prefix}{clusters}"), Path(f"{prefix}{symbols}")


def read_lists(lists: tuple[Path, Path]) -> tuple[bytes, bytes]:
    """Return Propeller's two lists; raises ArtifactError where clang or ld.lld would refuse one."""
    contents = [read_file(path, "list of Propeller") for path in lists]
    for path, content, parse in zip(
        lists, contents, (parse_cc_profile, parse_ld_profile), strict=True
    ):
        parse(content.decode("utf-8", "replace"), str(path))
    return contents[0], contents[1]


def _layout_files(lists: tuple[Path, Path]) -> dict[str, tuple[str, bytes]]:
    """Return Propeller's two lists under names with their common digest."""
    kinds = ("cc_profile", "ld_profile")
    contents = read_lists(lists)
    digest = files.sha256_json([files.sha256_bytes(content) for content in contents])
    name = layout_prefix(Path(), digest).name
    return {
        kind: (f"{name}{suffix}", content)
        for kind, suffix, content in zip(kinds, LAYOUT_SUFFIXES, contents, strict=True)
    }


def read_file(path: Path, what: str) -> bytes:
    """Return a file's content; raises ArtifactError where it cannot be read, or is empty."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"the {what} {path} cannot be read", details=str(error), hint="Check the path."
        ) from error
    if not content:
        raise ArtifactError(f"the {what} {path} is empty", hint="Check where it comes from.")
    return content


def kernel_source(given: Given, sums: str) -> KernelSource:
    """Return where the kernel comes from: the source named, or kernel.org's tarball.

    Raises ConfigError when a tarball's sum is not known, ArtifactError when it is another's.
    """
    url = _source_url(given)
    digest = given.checksum
    if (tarball := given.order.tarball) is not None:
        digest = _agreeing(checksum(read_file(tarball, "tarball"), sums), digest, tarball)
    if url.startswith("git+"):
        return KernelSource(url=url, checksum=digest)
    if not digest:
        raise ConfigError(
            f"the checksum of {url} is needed",
            hint="Give its b2 or sha256 sum with --sum (kernel.org has sha256sums.asc beside the "
            "tarballs), or name a copy of it with --tarball.",
        )
    return KernelSource(url=url, checksum=digest.lower())


def _source_url(given: Given) -> str:
    if given.source is None:
        return _kernel_org(given.version)
    if match := _CACHYOS.fullmatch(given.source):
        return _cachyos(given.version, match[1] or "1")
    return given.source


def _agreeing(digest: str, stated: str, tarball: Path) -> str:
    """Return a tarball's sum; raises ArtifactError when it is not the one that was stated."""
    if stated and stated.lower() != digest:
        raise ArtifactError(
            f"{tarball} is not the tarball with that checksum",
            details=f"its sum:    {digest}\nstated sum: {stated}",
            hint="Fetch it again, or mend --sum.",
        )
    return digest


def _require_version(version: str) -> str:
    try:
        return check_pkgver(version)
    except ValueError as error:
        raise ConfigError(
            f"“{version}” is no version of the kernel",
            details=str(error),
            hint="Example: --version 6.18.54",
        ) from error


def _kernel_org(version: str) -> str:
    """Return the URL of kernel.org's tarball; raises ConfigError for what it has none of."""
    if "rc" in _require_version(version):
        raise ConfigError(
            f"kernel.org has no signed tarball of the release candidate {version}",
            hint="Name one with --source: git+https://…#tag=v7.2-rc3, or a tarball's URL.",
        )
    return f"{KERNEL_ORG}v{version.partition('.')[0]}.x/linux-{version}.tar.xz"


def _cachyos(version: str, release: str) -> str:
    """Return the URL of CachyOS's tarball of a version: its patches are in it."""
    tag = f"cachyos-{_require_version(version).replace('rc', '-rc')}-{release}"
    return f"{CACHYOS}{tag}/{tag}.tar.gz"
