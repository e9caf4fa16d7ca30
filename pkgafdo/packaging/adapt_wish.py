"""What adapting a PKGBUILD is asked for, what it did, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.packaging.bash_edit import Edit

Lto = Literal["thin", "none"]
March = Literal["generic", "v2", "v3", "v4", "znver4", "native"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileSource:
    """A profile that becomes a source: its name beside the PKGBUILD, and its sums by array.

    provenance holds the sums of its JSON file, which has its name and .json; empty without one.
    """

    name: str
    sums: Mapping[str, str]
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class LayoutSource:
    """Propeller's two lists that become sources.

    prefix is the one of names with their digest; sums has those of cc_profile and ld_profile by array.
    """

    prefix: str
    sums: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is asked for; None: as it is, where that works.

    address_map: vmlinux gets the map of blocks that Propeller's lists are made with, and no lists.
    """

    profile: ProfileSource | None = None
    layout: LayoutSource | None = None
    address_map: bool | None = None
    lto: Lto | None = None
    march: March | None = None


@dataclass(kw_only=True, slots=True)
class Plan:
    """The edits, and what was there already or cannot be done, one sentence each."""

    edits: list[Edit] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def refuse(line: int, why: str, hint: str) -> NoReturn:
    """Raise ArtifactError: this PKGBUILD cannot be adapted safely, and where."""
    place = f"PKGBUILD:{line}: " if line else "PKGBUILD: "
    raise ArtifactError(f"{place}{why}", details="Nothing was changed.", hint=hint)
