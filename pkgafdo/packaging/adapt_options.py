"""Setting the options of a PKGBUILD: AutoFDO's switch, LTO, the processor, the debug package."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.adapt_wish import Plan, Wish, refuse
from pkgafdo.packaging.bash_edit import after, before, replace
from pkgafdo.packaging.check_rules import CI_VARIABLES
from pkgafdo.packaging.lto_parts import lto_parts
from pkgafdo.packaging.pkgbuild_shape import (
    DEBUG_CHOICE,
    LTO_CHOICE,
    PROFILE_VARIABLE,
    SWITCH,
    Shape,
)

if TYPE_CHECKING:
    from pkgafdo.packaging.bash_edit import Edit
    from pkgafdo.packaging.bash_script import Assignment, Statement

PROFILE_NAME: Final = "_autofdo_profile_name"

_MARCH_CHOICE: Final = "_processor_opt"
_MARCH: Final = {
    "generic": "GENERIC",
    "v2": "GENERIC_V2",
    "v3": "GENERIC_V3",
    "v4": "GENERIC_V4",
    "znver4": "ZEN4",
    "native": "NATIVE",
}
"""What linux-cachyos calls them."""
_NAMES: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


def is_gated(shape: Shape) -> bool:
    """Tell whether AutoFDO has a switch, or should get one: where LTO has one, too."""
    return bool(shape.script.assigned(SWITCH) or shape.script.assigned(LTO_CHOICE))


def profile_variable(shape: Shape) -> str:
    """Return the variable that names the profile; where there is none, the one it will be."""
    for mention in shape.mentions:
        if mention.variable == PROFILE_VARIABLE:
            for name in _NAMES.findall(mention.text):
                if name != "srcdir" and shape.script.assigned(name):
                    return str(name)
    return PROFILE_NAME


def set_option(plan: Plan, shape: Shape, name: str, value: str) -> None:
    """Set a variable that is assigned once, to text, outside of functions."""
    found = shape.script.assigned(name)
    one = found[-1]
    if len(found) != 1 or one.nested or one.literal is None:
        refuse(
            one.place.line, f"{name} is not simply set to a text here",
            f"Set it to “{value}” yourself, and run this again.",
        )  # fmt: skip
    if one.literal == value:
        if value:  # what is empty and stays so is nothing to tell
            plan.already.append(f"{name} is {value} (line {one.place.line})")
        return
    text = value if one.operator == ":=" else shlex.quote(value)
    plan.edits.append(replace(one.value, text, f"{name}: {one.literal or 'empty'} → {value}"))


def plan_switch(plan: Plan, shape: Shape, wish: Wish) -> None:
    """Switch AutoFDO on, and name the profile; add the variables where they are missing."""
    script = shape.script
    name = wish.profile.name if wish.profile else None
    variable = profile_variable(shape)
    added: list[str] = []
    if script.assigned(SWITCH):
        set_option(plan, shape, SWITCH, "yes")
    elif is_gated(shape):
        added += ["", "# Build with AutoFDO (clang): first to be profiled, then with the profile"]
        added += [_option(shape, SWITCH, "yes")]
    if script.assigned(variable):
        if name is not None:
            set_option(plan, shape, variable, name)
    else:
        added += ["", "# The AutoFDO profile beside this file; empty: the kernel to record with"]
        added += [_option(shape, variable, name or "")]
    if added:
        plan.edits.append(_add_options(shape, added, "variables for AutoFDO"))


def plan_ci(plan: Plan, shape: Shape) -> None:
    """Keep a CI's variables from changing the kernel that was profiled."""
    unset = {
        word.literal for call in shape.script.calls_in("") if call.name == "unset"
        for word in call.words
    }  # fmt: skip
    uses = [one.name for one in shape.script.uses if one.name in CI_VARIABLES - unset]
    if not uses:
        return
    line = f"unset {' '.join(dict.fromkeys(uses))}"
    lines = ["", "# Where a CI sets them another kernel is built, which the profile does not fit"]
    if is_gated(shape):
        lines += [f'if [ "${SWITCH}" = "yes" ]; then', f"{unit(shape)}{line}", "fi"]
    else:
        lines += [line]
    plan.edits.append(_add_options(shape, lines, "a CI's variables"))


def _option(shape: Shape, name: str, value: str) -> str:
    """Return the line that gives a variable its value, in the style of the file."""
    if _default_options(shape):
        return f': "${{{name}:={value}}}"'
    return f"{name}={shlex.quote(value) if value else ''}"


def _default_options(shape: Shape) -> tuple[Assignment, ...]:
    every = shape.script.assignments
    return tuple(
        one
        for one in every
        if one.operator == ":=" and not one.function and not one.nested and one.name[0] == "_"
    )


def _add_options(shape: Shape, lines: list[str], reason: str) -> Edit:
    options = _default_options(shape)
    if options:
        return after(shape.script, options[-1].statement, lines, reason)
    return before(shape.script, first_source(shape), [*lines[1:], ""], reason)


def first_source(shape: Shape) -> Statement:
    """Return the statement that sets source=(); refuse where there is none."""
    found = [one for one in shape.script.assigned("source") if one.operator == "="]
    if not found:
        refuse(0, "there is no source=()", "Is this a whole PKGBUILD?")
    return found[0].statement


def unit(shape: Shape) -> str:
    """Return what one level of indentation is in this file."""
    build = shape.build_make
    return (build.call.statement.indent if build else "") or "    "


def plan_lto(plan: Plan, shape: Shape, wish: Wish) -> None:
    """Set the LTO where it has an option: the one asked for, or thin where profiles are lost."""
    found = shape.script.assigned(LTO_CHOICE)
    if not found:
        return
    current = found[-1].literal
    wanted = wish.lto or (current if current in {"thin", "none"} else "thin")
    set_option(plan, shape, LTO_CHOICE, wanted)
    if wanted == "none":
        _leave_lto_parts(plan, shape)


def _leave_lto_parts(plan: Plan, shape: Shape) -> None:
    """Say what stays as it is with GCC, although clang builds."""
    parts = [f"only with LTO (line {one.line}) {one.what}" for one in lto_parts(shape.script)]
    if parts:
        plan.left += [
            *parts,
            "--lto thin makes these clang's, or let their conditions hold by hand",
        ]


def plan_march(plan: Plan, shape: Shape, wish: Wish) -> None:
    """Set the processor where it has an option."""
    if wish.march is None:
        return
    if not shape.script.assigned(_MARCH_CHOICE):
        refuse(0, f"there is no {_MARCH_CHOICE}, so --march has nothing to set",
               "Choose the processor in the kernel's configuration.")  # fmt: skip
    set_option(plan, shape, _MARCH_CHOICE, _MARCH[wish.march])


def plan_debug_option(plan: Plan, shape: Shape) -> bool:
    """Switch the package with vmlinux on, where it has an option; tell whether it has."""
    if not shape.script.assigned(DEBUG_CHOICE):
        return False
    set_option(plan, shape, DEBUG_CHOICE, "yes")
    return True
