"""Making the profile a source with checksums, and packaging the vmlinux that profiles need."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.adapt_options import (
    is_gated,
    plan_debug_option,
    profile_variable,
    unit,
)
from pkgafdo.packaging.adapt_wish import Plan, ProfileSource, Wish, refuse
from pkgafdo.packaging.bash_edit import after, append_word, before, remove_lines, replace
from pkgafdo.packaging.check_rules import check_vmlinux
from pkgafdo.packaging.pkgbuild_shape import SWITCH, Shape
from pkgafdo.packaging.pkgbuild_values import SUMS

if TYPE_CHECKING:
    from pkgafdo.packaging.bash_script import Assignment, Word

_CHECKING: Final = frozenset({"[", "[[", "test", "_die", "die", "error", "echo"})


def sum_kinds(shape: Shape) -> tuple[str, ...]:
    """Return the arrays of checksums that a PKGBUILD has; refuse where there is none."""
    kinds = tuple(kind for kind in SUMS if shape.values.array(kind))
    lines = [one.place.line for one in shape.script.assigned("source")]
    if "cksums" in shape.values.arrays:
        refuse(0, "cksums are not known here", "Use b2sums.")
    if not kinds:
        refuse(lines[0] if lines else 0, "the sources have no checksums",
               "Run updpkgsums first; the profile then gets its own.")  # fmt: skip
    return kinds


def plan_source(plan: Plan, shape: Shape, wish: Wish) -> None:
    """Make the profile a source with a sum in every array."""
    if wish.profile is None:
        return
    kinds = sum_kinds(shape)
    variable = profile_variable(shape)
    present = [one for one in shape.script.assigned("source") if _names(shape, one, variable)]
    if present:
        sums = sums_beside(shape, present[-1])
        if {one.name for one in sums} >= set(kinds):
            _set_sums(plan, sums, wish.profile)
            return
        drop_sources(plan, shape, present, "the profile")
    _append(plan, shape, wish.profile, variable, kinds)


def _names(shape: Shape, assignment: Assignment, variable: str) -> bool:
    return variable in shape.script.text(assignment.value)


def sums_beside(shape: Shape, source: Assignment) -> list[Assignment]:
    """Return the sums that are added where a source is."""
    return [
        one
        for one in shape.script.assignments
        if one.name in SUMS and one.operator == "+=" and one.conditions == source.conditions
        and one.statement == source.statement
    ]  # fmt: skip


def _set_sums(plan: Plan, sums: list[Assignment], profile: ProfileSource) -> None:
    for one in sums:
        if len(one.words) != 1:
            refuse(one.place.line, f"{one.name} has several sums where the profile's is",
                   "Put the profile's sum alone.")  # fmt: skip
        if one.words[0].literal == profile.sums[one.name]:
            plan.already.append(f"the profile is a source with its {one.name}")
        else:
            text = shlex.quote(profile.sums[one.name])
            plan.edits.append(replace(one.words[0].place, f"'{text}'", "the profile's sum"))


def drop_sources(plan: Plan, shape: Shape, present: list[Assignment], what: str) -> None:
    """Plan the removal of what adds a source without a sum, to be added anew behind all others."""
    for one in present:
        statement = one.statement.place
        calls = [
            call.name for call in shape.script.calls
            if statement.start <= call.place.start < statement.end
        ]  # fmt: skip
        others = [
            other for other in shape.script.assignments
            if statement.start <= other.place.start < statement.end and other is not one
        ]  # fmt: skip
        if not one.nested or others or not set(calls) <= _CHECKING:
            refuse(one.place.line, f"{what} comes into source=() among other things",
                   "Add its sum there yourself.")  # fmt: skip
        plan.edits.append(remove_lines(shape.script, statement, f"{what} without a sum"))


def _append(
    plan: Plan, shape: Shape, profile: ProfileSource, variable: str, kinds: tuple[str, ...]
) -> None:
    """Plan the block that adds the profile after all other sources and sums."""
    named = f'[ -n "${variable}" ]'
    condition = f'[ "${SWITCH}" = "yes" ] && {named}' if is_gated(shape) else named
    step = unit(shape)
    lines = [
        f'{step}source+=("${variable}")',
        *(f"{step}{kind}+=('{profile.sums[kind]}')" for kind in kinds),
    ]
    comment = "The AutoFDO profile: a source with its checksum, behind all others"
    append_block(plan, shape, (condition,), lines, comment)


def append_block(
    plan: Plan, shape: Shape, conditions: tuple[str, ...], lines: list[str], comment: str
) -> None:
    """Plan a block of conditional sources and sums behind all others."""
    arrays = [one for one in shape.script.assignments if one.name in {"source", *SUMS}]
    last = max((one for one in arrays if not one.function), key=lambda one: one.statement.place.end)
    block = ["", f"# {comment}", f"if {' && '.join(conditions)}; then", *lines, "fi"]
    plan.edits.append(after(shape.script, last.statement, block, comment.partition(":")[0]))


def plan_vmlinux(plan: Plan, shape: Shape) -> None:
    """Make a package carry the unstripped vmlinux."""
    if plan_debug_option(plan, shape):
        return
    if not list(check_vmlinux(shape)):
        plan.already.append("a package carries the unstripped vmlinux")
        return
    names = [one for one in shape.script.assigned("pkgname") if one.is_array and not one.nested]
    headers = shape.script.function("_package-headers")
    word = next((one for name in names for one in name.words if "-headers" in one.text), None)
    if headers is None or word is None or "pkgbase" not in word.text:
        plan.left.append(
            "no package carries the unstripped vmlinux: keep the one in the build folder"
        )
        return
    _add_debug_package(plan, shape, names[0], word)


def _add_debug_package(plan: Plan, shape: Shape, names: Assignment, headers: Word) -> None:
    moves = [one for one in shape.script.calls_in("_package-headers") if one.name == "cd"]
    step = unit(shape)
    body = [
        'pkgdesc="Unstripped vmlinux of the $pkgdesc kernel, for making profiles"',
        "",
        *([shape.script.text(moves[0].place)] if moves else []),
        'install -Dt "$pkgdir/usr/src/debug/$pkgbase" -m644 vmlinux',
    ]
    lines = ["_package-debug() {", *(f"{step}{line}" if line else "" for line in body), "}", ""]
    plan.edits.append(before(shape.script, names.statement, lines, "a package with vmlinux"))
    text = headers.text.replace("-headers", "-debug")
    plan.edits.append(append_word(shape.script, headers, text, "a package with vmlinux"))
