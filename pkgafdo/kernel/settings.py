"""What a user may ask of the kernel: where its source comes from and how it is configured."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path  # noqa: TC003  pydantic reads the annotations at run time
from typing import Final, Literal, Self

from pydantic import field_validator, model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS

TARBALL_SUFFIXES: Final = (
    ".tar", ".tar.xz", ".txz", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2",
)  # fmt: skip
RELEASE_LIMIT: Final = 64
"""Longest `uname -r` in characters (__NEW_UTS_LEN, include/uapi/linux/utsname.h)."""

LONGEST_VERSION: Final = "10.10.100"
"""As long as the version of a release gets; a localversion must leave room for it."""

_LOCALVERSION: Final = re.compile(r"-[A-Za-z0-9._+~-]*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MAKEPKGS: Final = "git+"
"""What makepkg writes before the URL of a repository; git itself does not know it."""
_GIT_SCHEMES: Final = ("git://", "ssh://", "file://", _MAKEPKGS)
_SCP_LIKE: Final = re.compile(r"[\w.-]+@[\w.-]+:.+")

Lto = Literal["thin", "none", "full", "thin-dist"]


class SourceKind(StrEnum):
    """The kinds of place that a kernel tree comes from."""

    AUTO = "auto"
    FOLDER = "folder"
    TARBALL = "tarball"
    URL = "url"
    GIT = "git"


def source_kind(location: str, branch: str = "") -> SourceKind:
    """Tell by its text alone what kind of place a location is."""
    web = location.startswith(("https://", "http://"))
    tarball = location.endswith(TARBALL_SUFFIXES)
    if location == "auto":
        return SourceKind.AUTO
    if location.startswith(_GIT_SCHEMES) or _SCP_LIKE.fullmatch(location):
        return SourceKind.GIT
    if web:
        return SourceKind.URL if tarball and not branch else SourceKind.GIT
    return SourceKind.TARBALL if tarball else SourceKind.FOLDER


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class SourceSettings:
    """Where the kernel source comes from."""

    location: str = "auto"
    """A kernel tree's folder, a tarball's path or URL, a git URL, or "auto"."""
    sha256: str = ""
    """SHA-256 of the tarball in hex; required for a URL."""
    branch: str = ""
    """Branch or tag of a git URL; empty means the repository's default branch."""

    @property
    def kind(self) -> SourceKind:
        """What kind of place the location is."""
        return source_kind(self.location, self.branch)

    @property
    def repository(self) -> str:
        """The location as git takes it."""
        return self.location.removeprefix(_MAKEPKGS)

    @property
    def label(self) -> str:
        """How a plan names the place; a repository's own branch goes without saying."""
        return f"{self.location}, branch {self.branch}" if self.branch else self.location

    @field_validator("sha256")
    @classmethod
    def _is_a_digest(cls, value: str) -> str:
        value = value.lower()
        if value and not _SHA256.fullmatch(value):
            raise ValueError("a SHA-256 has 64 hexadecimal digits")
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if not self.location:
            raise ValueError('the location is empty; write "auto", a path or a URL')
        if self.kind is SourceKind.URL and not self.sha256:
            raise ValueError(f"a tarball from a URL needs its sha256: {self.location}")
        if self.sha256 and self.kind not in {SourceKind.URL, SourceKind.TARBALL}:
            raise ValueError(f"sha256 belongs to a tarball, but {self.location} is none")
        if self.branch and self.kind is not SourceKind.GIT:
            raise ValueError(f"branch belongs to a git URL, but {self.location} is none")
        if self.kind is SourceKind.GIT and "#" in self.location:
            raise ValueError("a git URL has no “#”: name the branch or tag in source.branch")
        if self.branch.startswith("-") or self.location.startswith("-"):
            raise ValueError("a location or branch does not begin with “-”")
        return self


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class KernelSettings:
    """How the kernel is configured."""

    base: str = "small"
    """"running", "defconfig", "small" (built in, for the VM alone), or a .config's path."""
    fragments: tuple[Path, ...] = ()
    """Configuration fragments laid over the base, in order; the last word wins. "virtme" is built in:
    what `pkgafdo record --vm -- COMMAND` needs of a kernel."""
    localmodconfig: str = ""
    """Path of a module list (lsmod's or modprobed-db's); other modules are left out."""
    lto: Lto = "thin"
    """Link time optimization: "thin" or "none"; the others only where the tree supports them."""
    tuning: bool = True
    """With the profile, also lay out blocks by ext-TSP and import hot functions across files; with
    Propeller's layout, also start each function on a cache line (its text grows by a tenth)."""
    localversion: str = "-pkgafdo"
    """Appended to the kernel version; makes the release that `uname -r` shows."""

    @field_validator("localversion")
    @classmethod
    def _is_a_localversion(cls, value: str) -> str:
        if not _LOCALVERSION.fullmatch(value):
            raise ValueError("a localversion is “-” and then letters, digits or . _ + ~ -")
        if len(value) > RELEASE_LIMIT - len(LONGEST_VERSION):
            raise ValueError(f"with the version it exceeds {RELEASE_LIMIT} characters")
        return value

    @model_validator(mode="after")
    def _modules_of_a_real_machine(self) -> Self:
        if self.localmodconfig and self.base == "small":
            raise ValueError("localmodconfig does not go with the built-in small configuration")
        return self
