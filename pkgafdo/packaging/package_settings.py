"""What a user may ask of the route on which packages are made."""

from __future__ import annotations

import re
from typing import Final, Literal, Self

from pydantic import field_validator, model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS

Route = Literal["pacman-pkg", "pkgbuild"]

_KEY: Final = re.compile(r"[^\s-][^\x00-\x1f\x7f]*")


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class PackageSettings:
    """How packages are made: by the kernel's own `make pacman-pkg`, or by makepkg from a PKGBUILD."""

    route: Route = "pacman-pkg"
    """"pacman-pkg", or "pkgbuild": makepkg builds the kernels from `folder`."""
    folder: str = ""
    """The folder with the PKGBUILD; it is never written to."""
    makepkg_conf: str = ""
    """A configuration file in place of makepkg's own; empty: those that makepkg reads by itself."""
    pkgdest: str = ""
    """Where copies of the packages go; empty: makepkg.conf's PKGDEST, if it sets one."""
    srcdest: str = ""
    """Where downloaded sources are kept; empty: makepkg.conf's SRCDEST, or the scratch folder."""
    builddir: str = ""
    """Where kernels are built; empty: makepkg.conf's BUILDDIR, or the scratch folder."""
    gpgkey: str = ""
    """The key that packages are signed with (build.sign); empty: makepkg.conf's, or the default key."""
    gnupghome: str = ""
    """GnuPG's folder of the build user; empty: its own."""

    @field_validator("folder", "makepkg_conf", "pkgdest", "srcdest", "builddir", "gnupghome")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if value.startswith("-") or any(ord(one) < 32 for one in value):
            raise ValueError("a path is one line and does not begin with “-”")
        return value

    @field_validator("gpgkey")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if value and not _KEY.fullmatch(value):
            raise ValueError("a key is named by its fingerprint or address")
        return value

    @model_validator(mode="after")
    def _has_its_folder(self) -> Self:
        if self.route == "pkgbuild" and not self.folder:
            raise ValueError(
                'the route "pkgbuild" needs the folder of the PKGBUILD (package.folder)'
            )
        return self
