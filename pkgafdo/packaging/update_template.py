"""What today's template makes of a PKGBUILD that pkgafdo wrote: read back, and written anew."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.pkgbuild_model import CONFIG_NAME, LAYOUT_SUFFIXES, Pkgbuild
from pkgafdo.packaging.pkgbuild_sources import SKIP, KernelSource, LocalFile

if TYPE_CHECKING:
    from pkgafdo.packaging.bash_script import Script
    from pkgafdo.packaging.pkgbuild_values import Values

_MAINTAINER: Final = re.compile(rb"# Maintainer: ([^\n]*)\n")
_LTO: Final = {"LTO_CLANG_THIN": "thin", "LTO_NONE": "none"}


def render_anew(script: Script, values: Values) -> bytes | None:
    """Return a PKGBUILD of ours as the template writes it now; None when its values do not fit."""
    try:
        return render_pkgbuild(model_of(script, values)).encode()
    except (ValidationError, ValueError, LookupError):
        return None


def model_of(script: Script, values: Values) -> Pkgbuild:
    """Return the model of a PKGBUILD that pkgafdo wrote, from what bash makes of its variables.

    Raises ValidationError, ValueError or LookupError when it is none, or was changed too much.
    """
    kind = "b2sums" if values.array("b2sums") else "sha256sums"
    sums = dict(zip(values.array("source"), values.array(kind), strict=True))
    url = values.array("source")[0]
    checksum = "" if sums[url] == SKIP else sums[url]
    source = KernelSource(url=url.rpartition("::")[2], checksum=checksum)
    maintainer = _MAINTAINER.match(script.content)
    return Pkgbuild(
        pkgbase=values.scalar("pkgbase"),
        pkgver=values.scalar("pkgver"),
        pkgrel=int(values.scalar("pkgrel")),
        description=values.scalar("pkgdesc"),
        url=values.scalar("url"),
        maintainer=maintainer[1].decode() if maintainer else "nobody yet",
        source=source,
        extra_keys=tuple(key for key in values.array("validpgpkeys") if key not in source.keys),
        patches=tuple(_local(name, sums) for name in values.array("_patches")),
        config=_local(CONFIG_NAME, sums),
        modules=_modules(script, values.scalar("pkgbase")),
        **_choices(values),
        **_profiles(values, sums),
    )


def _local(name: str, sums: dict[str, str]) -> LocalFile:
    return LocalFile(name=name, checksum=sums[name])


def _modules(script: Script, pkgbase: str) -> tuple[Any, ...]:
    """Return what the kernel's package provides; older ones say nothing of it."""
    found = script.assigned("provides", f"package_{pkgbase}")
    return tuple(word.literal for one in found for word in one.words)


def _choices(values: Values) -> dict[str, Any]:
    """Return what the PKGBUILD's options choose; older ones lack some of them."""
    return {
        "march": values.scalar("_march") or "generic",
        "lto": _LTO[values.scalar("_lto")],
        "llvm": values.scalar("_llvm"),
        "tuning": values.array("_tuning"),
        "address_map": values.scalar("_address_map") == "yes",
        "docs": f"{values.scalar('pkgbase')}-docs" in values.array("pkgname"),
    }


def _profiles(values: Values, sums: dict[str, str]) -> dict[str, Any]:
    """Return the files of the second round that are there."""
    profile, layout = values.scalar("_profile"), values.scalar("_propeller")
    names = {
        "profile": profile,
        "provenance": f"{profile}.json" if values.scalar("_provenance_sum") else "",
        "cc_profile": f"{layout}{LAYOUT_SUFFIXES[0]}" if layout else "",
        "ld_profile": f"{layout}{LAYOUT_SUFFIXES[1]}" if layout else "",
        "symbol_order": values.scalar("_symbol_order"),
    }
    return {key: _local(name, sums) for key, name in names.items() if name and profile}
