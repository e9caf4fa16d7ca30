"""The .SRCINFO of a PKGBUILD that we wrote: what `makepkg --printsrcinfo` prints, without makepkg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.packaging.pkgbuild_model import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkgafdo.packaging.pkgbuild_model import Pkgbuild
    from pkgafdo.packaging.pkgbuild_packages import Package


def render_srcinfo(model: Pkgbuild) -> str:
    """Return the .SRCINFO; order and form are those of makepkg's srcinfo.sh."""
    lines = [f"pkgbase = {model.pkgbase}", *_section(_global(model))]
    for package in model.packages():
        lines += ["", f"pkgname = {package.name}", *_section(_package(package))]
    return "\n".join(lines) + "\n"


def _section(fields: Iterable[tuple[str, object]]) -> Iterator[str]:
    return (f"\t{name} = {value}" for name, value in fields)


def _global(model: Pkgbuild) -> Iterator[tuple[str, object]]:
    yield "pkgdesc", model.description
    yield "pkgver", model.pkgver
    yield "pkgrel", model.pkgrel
    yield "url", model.url
    yield "arch", "x86_64"
    yield "license", "GPL-2.0-only"
    yield from (("makedepends", name) for name in model.makedepends)
    yield from (("options", name) for name in OPTIONS)
    sources = model.sources()
    yield from (("source", one.name) for one in sources)
    yield from (("validpgpkeys", key) for key in model.pgp_keys)
    yield from ((model.sums, one.checksum) for one in sources)


def _package(package: Package) -> Iterator[tuple[str, object]]:
    yield "pkgdesc", package.description
    yield from (("depends", name) for name in package.depends)
    yield from (("optdepends", name) for name in package.optdepends)
    yield from (("provides", name) for name in package.provides)
