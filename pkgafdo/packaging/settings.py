"""What a user may ask of building and packaging."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS

_PKGNAME: Final = re.compile(r"[a-z0-9@_+][a-z0-9@._+-]*")
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PKGEXT: Final = re.compile(r"\.pkg\.tar(\.(gz|bz2|xz|zst|lz4))?")


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class BuildSettings:
    """How kernels are built and packaged."""

    jobs: int = Field(default=0, ge=0)
    """Jobs that make runs at once; 0 means one per processor."""
    disk_gib: float = Field(default=0, ge=0)
    """GiB of disk that one build takes, with its packages; 0 estimates it from the configuration."""
    user: str = "pkgafdo-build"
    """The unprivileged user that builds when pkgafdo runs as root."""
    pkgbase: str = "linux-pkgafdo"
    """Base name of the packages; must not be that of an installed kernel."""
    packager: str = "pkgafdo <pkgafdo@localhost>"
    """Name and address written into the packages."""
    pkgext: str = ""
    """Suffix of the packages, such as ".pkg.tar.zst"; empty: zstd where it is installed."""
    sign: bool = False
    """Sign the packages with the build user's GnuPG key."""
    makepkg_options: tuple[str, ...] = ()
    """Further options for makepkg, each one word."""

    @field_validator("pkgbase")
    @classmethod
    def _is_a_pkgname(cls, value: str) -> str:
        if not _PKGNAME.fullmatch(value):
            raise ValueError(
                "a package name has lower case letters, digits or @ . _ + - "
                "and begins with neither “-” nor “.”"
            )
        return value

    @field_validator("user")
    @classmethod
    def _is_a_user(cls, value: str) -> str:
        if not _USER.fullmatch(value) or value == "root":
            raise ValueError("the build user is an ordinary user's name, not root")
        return value

    @field_validator("pkgext")
    @classmethod
    def _is_a_suffix(cls, value: str) -> str:
        if value and not _PKGEXT.fullmatch(value):
            raise ValueError('a package suffix looks like ".pkg.tar.zst"')
        return value

    @field_validator("makepkg_options")
    @classmethod
    def _are_words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # They travel to makepkg in a make variable, which the shell splits at spaces.
        if any(re.search(r"[^\w=./:@%+,-]", option) or not option for option in value):
            raise ValueError("an option for makepkg is one word without shell characters")
        return value
