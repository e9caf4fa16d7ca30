"""Propeller's two lists in a PKGBUILD that has options for them: switched on, checksummed sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.adapt_options import set_option, unit
from pkgafdo.packaging.adapt_sources import append_block, drop_sources, sum_kinds, sums_beside
from pkgafdo.packaging.adapt_sums import like
from pkgafdo.packaging.adapt_wish import Plan, Wish, refuse
from pkgafdo.packaging.bash_edit import replace
from pkgafdo.packaging.pkgbuild_shape import PREFIX_VARIABLE, Shape

if TYPE_CHECKING:
    from pkgafdo.packaging.adapt_wish import LayoutSource
    from pkgafdo.packaging.bash_script import Assignment

SWITCH: Final = "_propeller"
"""What linux-cachyos calls its switch for Propeller's address map and lists."""
LISTS_SWITCH: Final = "_propeller_profiles"
"""What it calls its switch for the lists alone."""
LISTS_STAY: Final = "Propeller's lists stay: they belong to the kernel that an older profile made"
SUFFIXES: Final = ("_cc_profile.txt", "_ld_profile.txt")
"""What Kbuild appends to the prefix (scripts/Makefile.propeller), in the order of the lists."""

_PREFIX: Final = re.compile(r"\"?\$\{?srcdir\}?/([A-Za-z0-9][A-Za-z0-9._+-]*)\"?")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a PKGBUILD takes the lists from: the prefix of their names, and what adds the sources."""

    prefix: str
    source: Assignment

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}{suffix}" for suffix in SUFFIXES)


def list_names(shape: Shape) -> tuple[str, ...]:
    """Return the names that Propeller's lists have beside a PKGBUILD; refuse where it has no place."""
    return _find(shape).names


def plan_layout(plan: Plan, shape: Shape, wish: Wish) -> None:
    """Switch the address map or the lists on or off as asked, the lists being sources with sums."""
    if wish.layout is None and wish.address_map is None:
        if shape.values.scalar(LISTS_SWITCH) == "yes" and wish.profile is not None:
            plan.left.append(LISTS_STAY)
        return
    place = _find(shape)
    set_option(plan, shape, SWITCH, "yes" if wish.layout or wish.address_map else "no")
    set_option(plan, shape, LISTS_SWITCH, "yes" if wish.layout else "no")
    if wish.layout is not None:
        _plan_sources(plan, shape, place, wish.layout)


def _find(shape: Shape) -> _Place:
    """Return where the lists come in; refuse where a PKGBUILD has no options for Propeller."""
    if not (shape.script.assigned(SWITCH) and shape.script.assigned(LISTS_SWITCH)):
        refuse(0, f"there are no options for Propeller ({SWITCH}, {LISTS_SWITCH})",
               "linux-cachyos has them, and what `pkgafdo pkgbuild new` writes.")  # fmt: skip
    mention = next((one for one in shape.mentions if one.variable == PREFIX_VARIABLE), None)
    prefix = _PREFIX.fullmatch(mention.text) if mention else None
    line = mention.place.line if mention else 0
    if prefix is None:
        refuse(line, f"{PREFIX_VARIABLE} is not simply a name in srcdir",
               "Write it as \"$srcdir/propeller\".")  # fmt: skip
    names = tuple(f"{prefix[1]}{suffix}" for suffix in SUFFIXES)
    for source in shape.script.assigned("source"):
        found = tuple(word.literal for word in source.words)
        if found == names and source.nested:
            return _Place(prefix=prefix[1], source=source)
    return refuse(line, f"{' and '.join(names)} are not added to source=() by themselves",
                  "Add the two in one assignment, below their condition.")  # fmt: skip


def _plan_sources(plan: Plan, shape: Shape, place: _Place, layout: LayoutSource) -> None:
    kinds = sum_kinds(shape)
    sums = sums_beside(shape, place.source)
    if {one.name for one in sums} >= set(kinds):
        for one in sums:
            _set_sums(plan, one, layout)
        return
    drop_sources(plan, shape, [place.source], "Propeller's lists")
    step = unit(shape)
    lines = [f"{step}source+=({' '.join(place.names)})"]
    for kind in kinds:
        values = " ".join(f"'{one}'" for one in layout.sums[kind])
        lines.append(f"{step}{kind}+=({values})")
    append_block(
        plan, shape, place.source.conditions, lines,
        "Propeller's lists: sources with their checksums, behind all others",
    )  # fmt: skip


def _set_sums(plan: Plan, sums: Assignment, layout: LayoutSource) -> None:
    wanted = layout.sums[sums.name]
    if len(sums.words) != len(wanted):
        refuse(sums.place.line, f"{sums.name} has not one sum for each of Propeller's lists",
               "Put the sums of the two lists alone.")  # fmt: skip
    if tuple(word.literal for word in sums.words) == wanted:
        plan.already.append(f"Propeller's lists are sources with their {sums.name}")
        return
    for word, new in zip(sums.words, wanted, strict=True):
        if word.literal != new:
            plan.edits.append(replace(word.place, like(word, new), "the sum of Propeller's list"))
