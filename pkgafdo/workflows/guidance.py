"""What of earlier stages guides the compiler of a round: the profile, and Propeller's lists."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.kernel import make
from pkgafdo.kernel.kconfig import ADDRESS_MAP
from pkgafdo.packaging.builder import give
from pkgafdo.propeller.write import cc_profile_path, ld_profile_path
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.session import Session

_NEEDS: Final = {
    Round.BASELINE: (),
    Round.OPTIMISED: ("convert.profile",),
    Round.PROPELLER: ("convert.profile", "layout.cc_profile", "layout.ld_profile"),
}
LISTS: Final = ("cc_profile", "ld_profile")
"""Propeller's two lists, by the names that Kbuild appends to their common prefix."""
_UNKNOWN: Final = "‹digest›"
"""Stands in a plan for the digest of what is not made yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """The files that the build user's clang and ld.lld read, by their digests; None where absent.

    propeller: CONFIG_PROPELLER_CLANG is set, for an address map or for the layout.
    """

    profile: Path | None = None
    profile_sha256: str | None = None
    layout: Path | None = None
    layout_sha256: str | None = None
    propeller: bool = False

    @property
    def layout_name(self) -> str:
        """What the kernel's salt says of its layout."""
        return self.layout_sha256 or (ADDRESS_MAP if self.propeller else "")

    def variables(self) -> dict[str, str]:
        """Return the make variables that name the files."""
        return make.profile_variables(self.profile, self.layout)


def list_paths(prefix: Path) -> dict[str, Path]:
    """Return where the lists of a prefix lie, in the order of LISTS."""
    return dict(zip(LISTS, (cc_profile_path(prefix), ld_profile_path(prefix)), strict=True))


def layout_place(workdir: Path) -> Path:
    """Return the prefix of the lists that a run makes."""
    return workdir / "profiles/propeller"


def layout_digest(*lists: str) -> str:
    """Return what identifies a layout, from the digests of its lists in the order of LISTS."""
    return files.sha256_json(lists)


def guidance_needs(which: Round) -> tuple[str, ...]:
    """Return the outputs that guide a round."""
    return _NEEDS[which]


def guidance_of(session: Session, which: Round, inputs: Inputs) -> Guidance:
    """Return what guides a round; in a plan, with digests yet unknown."""
    if which is Round.BASELINE:
        return Guidance()
    profile_sha256 = inputs.digest("convert.profile") or _UNKNOWN
    guidance = Guidance(
        profile=make.profile_file(session.scratch, profile_sha256),
        profile_sha256=profile_sha256,
        propeller=session.config.propeller.enable,
    )
    if which is Round.OPTIMISED:
        return guidance
    digests = [inputs.digest(f"layout.{name}") for name in LISTS]
    layout_sha256 = layout_digest(*digests) if all(digests) else _UNKNOWN
    layout = make.layout_prefix(session.scratch, layout_sha256)
    return replace(guidance, layout=layout, layout_sha256=layout_sha256)


def hand_over(session: Session, inputs: Inputs, guidance: Guidance) -> None:
    """Copy the files to where the build user's compiler reads them."""
    if guidance.profile:
        _copy(session, inputs.file("convert.profile"), guidance.profile)
    if guidance.layout:
        for name, place in list_paths(guidance.layout).items():
            _copy(session, inputs.file(f"layout.{name}"), place)


def _copy(session: Session, source: Path, place: Path) -> None:
    with files.replacing(place) as temporary:
        shutil.copyfile(source, temporary)
    give(place, session.builder)
