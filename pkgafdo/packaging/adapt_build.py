"""Making a PKGBUILD build with clang and AutoFDO: the compiler, Kconfig, the profile's flag."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.adapt_options import first_source, is_gated, profile_variable, unit
from pkgafdo.packaging.adapt_wish import Lto, Plan, Wish, refuse
from pkgafdo.packaging.bash_edit import Edit, after, append_word, before, remove_lines, replace
from pkgafdo.packaging.pkgbuild_config import enabled_options
from pkgafdo.packaging.pkgbuild_shape import (
    LTO_CHOICE,
    PROFILE_VARIABLE,
    SWITCH,
    MakeCall,
    Mention,
    Shape,
    is_clang_array,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

CLANG: Final = "makedepends+=(clang llvm lld)"

_ON: Final = f'[ "${SWITCH}" = "yes" ]'
_BRANCHES: Final = re.compile(r"\b(else|elif)\b")
_HARMLESS: Final = frozenset({"echo", "msg", "msg2", "printf", "plain", "[", "[[", "test"})
_LTO_LINES: Final[dict[Lto, tuple[str, str]]] = {
    "thin": ("LTO_CLANG_THIN", "scripts/config -d LTO_NONE -d LTO_CLANG_FULL -e LTO_CLANG_THIN"),
    "none": ("LTO_NONE", "scripts/config -d LTO_CLANG_FULL -d LTO_CLANG_THIN -e LTO_NONE"),
}


def require_kernel(shape: Shape) -> tuple[MakeCall, MakeCall]:
    """Return the calls of make that settle .config and that compile; refuse where one is missing."""
    if shape.script.function("build") is None:
        refuse(0, "there is no build()", "Adapt a PKGBUILD that builds a kernel.")
    if not shape.is_kernel:
        refuse(0, "this is not a kernel's PKGBUILD: no make olddefconfig, bzImage, modules_install",
               "Name the folder of a kernel's PKGBUILD.")  # fmt: skip
    build, settling = shape.build_make, shape.settling_make
    function = shape.script.function("build")
    if build is None:
        refuse(function.place.line if function else 0,
               "no call of make in build() is recognised", "Call make by its name there.")  # fmt: skip
    if settling is None:
        if shape.resets:
            refuse(shape.resets[-1].place.line,
                   "no call of make settles .config after this line, which writes it anew",
                   "Add `make olddefconfig` below it.")  # fmt: skip
        refuse(build.call.place.line, "no call of make settles .config before this one",
               "Add `make olddefconfig` to prepare().")  # fmt: skip
    for make in (settling, build):
        elsewhere = [word for word in make.words if word.startswith(("-C", "O=", "--directory"))]
        if elsewhere:
            refuse(make.call.place.line, f"make works in another folder here ({elsewhere[0]})",
                   "Change into the kernel's tree first, and build there.")  # fmt: skip
    return settling, build


def plan_compiler(plan: Plan, shape: Shape, build: MakeCall) -> None:
    """Make clang build whenever AutoFDO is on."""
    arrays = [one for one in shape.script.assigned(build.array) if is_clang_array(one)]
    if build.array and all(one.nested for one in arrays):
        covered = any(f"${SWITCH}" in text for one in arrays for text in one.conditions)
        if covered:
            plan.already.append(f"{build.array} has clang whenever AutoFDO is on")
            return
        empty = f'[ "${{#{build.array}[@]}}" -eq 0 ]'
        lines = ["", "# Only clang knows AutoFDO, with LTO and without"]
        lines += _if(shape, (_ON, empty) if is_gated(shape) else (empty,),
                     [CLANG, f"{build.array}=(LLVM=1)"])  # fmt: skip
        plan.edits.append(after(shape.script, arrays[-1].statement, lines, "clang for AutoFDO"))
    elif build.clang:
        plan.already.append(f"clang compiles (line {build.call.place.line})")
        if "clang" not in shape.values.array("makedepends"):
            plan.edits.append(
                before(shape.script, first_source(shape), [CLANG, ""], "clang is needed")
            )
    else:
        _export_llvm(plan, shape)


def _export_llvm(plan: Plan, shape: Shape) -> None:
    for make in shape.makes:
        if make.own_llvm is not None:
            text = shape.script.text(make.own_llvm)
            refuse(make.own_llvm.line, f"make gets {text} here, which decides the compiler elsewhere",
                   "Write LLVM=1 here and in the other calls of make.")  # fmt: skip
    lines = ["# Only clang knows AutoFDO; every call of make gets this"]
    inner = [CLANG, "export LLVM=1"]
    lines += _if(shape, (_ON,), inner) if is_gated(shape) else inner
    plan.edits.append(before(shape.script, first_source(shape), [*lines, ""], "clang for AutoFDO"))


def plan_modules(plan: Plan, shape: Shape, build: MakeCall) -> None:
    """Give modules_install what the build has, so that LLVM strips the modules."""
    for make in shape.makes:
        bare = not make.array and not make.llvm_strip
        if make.has_target("modules_install") and bare and build.array:
            end = make.call.name_place.end
            plan.edits.append(
                Edit(start=end, end=end, text=f' "${{{build.array}[@]}}"',
                     reason="modules_install strips with LLVM's strip")
            )  # fmt: skip


def plan_strip(plan: Plan, shape: Shape) -> None:
    """Keep makepkg from stripping with GNU strip."""
    if "!strip" in shape.values.array("options"):
        plan.already.append("options has !strip")
        return
    found = [one for one in shape.script.assigned("options") if one.is_array and not one.nested]
    if not found:
        line = "options=(!strip)  # GNU strip fails on clang's modules"
        plan.edits.append(before(shape.script, first_source(shape), [line, ""], "no GNU strip"))
        return
    words = found[-1].words
    asked = next((word for word in words if word.literal == "strip"), None)
    if asked is not None:
        plan.edits.append(replace(asked.place, "!strip", "no GNU strip"))
    elif words:
        text = "!strip" if words[-1].text == words[-1].literal else "'!strip'"
        plan.edits.append(append_word(shape.script, words[-1], text, "no GNU strip"))
    else:
        plan.edits.append(replace(found[-1].value, "(!strip)", "no GNU strip"))


def plan_config(plan: Plan, shape: Shape, settling: MakeCall, wish: Wish) -> None:
    """Enable AutoFDO, and an LTO that was asked for, before .config is settled."""
    lines: list[str] = []
    lasting = [one for one in shape.enables if one not in shape.early_enables]
    if lasting:
        plan.already.append(f"AUTOFDO_CLANG is enabled (line {lasting[0].place.line})")
    else:
        lines.append("scripts/config -e AUTOFDO_CLANG")
    if wish.lto and not shape.script.assigned(LTO_CHOICE):
        option, line = _LTO_LINES[wish.lto]
        enabled = [one for call in shape.script.calls for one in enabled_options(call)]
        lines += [line] if option not in enabled else []
    if lines:
        block = _if(shape, (_ON,), lines) if is_gated(shape) else lines
        plan.edits.append(
            before(
                shape.script,
                settling.call.statement,
                ["# AutoFDO", *block, ""],
                "Kconfig's AutoFDO",
            )
        )


def plan_flags(plan: Plan, shape: Shape, build: MakeCall) -> None:
    """Give make the profile in build(), and stop there when Kconfig has dropped AutoFDO."""
    lines = _assertion(shape)
    lasting = {one.variable for one in shape.mentions if one.function != "prepare"}
    lost = [one for one in shape.mentions if one.variable not in lasting and one.assignment]
    for mention in lost:
        lines += _moved(plan, shape, build, mention)
    if PROFILE_VARIABLE in lasting:
        plan.already.append("make gets the profile outside of prepare()")
    elif not any(one.variable == PROFILE_VARIABLE for one in lost):
        lines += _flag(shape, build)
    if lines:
        where = build.call.statement
        plan.edits.append(before(shape.script, where, [*lines, ""], "the profile, in build()"))


def _assertion(shape: Shape) -> list[str]:
    """Return the lines that stop a build without AutoFDO; none where they are already."""
    looking = (call for call in shape.script.calls_in("build") if not enabled_options(call))
    if any("CONFIG_AUTOFDO_CLANG" in word.text for call in looking for word in call.words):
        return []
    step = unit(shape)
    blind = "grep -Eqx 'CONFIG_LTO_CLANG_(FULL|THIN_DIST)=y' .config"
    test = [
        "if ! grep -qx CONFIG_AUTOFDO_CLANG=y .config ||",
        f"{step}{blind}; then",
        f"{step}echo 'AutoFDO is not in .config, or with an LTO that ignores the profile' >&2",
        f"{step}return 1",
        "fi",
    ]
    lead = ["# Kconfig drops without a word what it does not like"]
    return [*lead, *(_if(shape, (_ON,), test) if is_gated(shape) else test)]


def _flag(shape: Shape, build: MakeCall) -> list[str]:
    """Return the lines that hand the profile to make."""
    name = profile_variable(shape)
    value = f'{PROFILE_VARIABLE}="$srcdir/${name}"'
    line = f"{build.array}+=({value})" if build.array else f"export {value}"
    named = f'[ -n "${name}" ]'
    return ["# Here, as makepkg -e leaves prepare() out",
            *_if(shape, (_ON, named) if is_gated(shape) else (named,), [line])]  # fmt: skip


def _moved(plan: Plan, shape: Shape, build: MakeCall, mention: Mention) -> list[str]:
    """Return the lines that set a flag in build(), and plan their removal from prepare()."""
    assignment = mention.assignment
    assert assignment is not None  # noqa: S101  the caller has left out the others
    if assignment.name not in {build.array, mention.variable}:
        refuse(mention.place.line, f"{assignment.name} is no array that make gets in build()",
               f"Give make {mention.variable} in build().")  # fmt: skip
    statement = assignment.statement.place
    inside = [
        call for call in shape.script.calls
        if statement.start <= call.place.start < statement.end and call.name not in _HARMLESS
    ]  # fmt: skip
    others = [
        one for one in shape.script.assignments
        if statement.start <= one.place.start < statement.end and one is not assignment
    ]  # fmt: skip
    if inside or others or _BRANCHES.search(shape.script.text(statement)):
        refuse(statement.line, f"{mention.variable} is set among other things in prepare()",
               "Move it to build() yourself.")  # fmt: skip
    plan.edits.append(remove_lines(shape.script, statement, f"{mention.variable} moves to build()"))
    text = shape.script.text(assignment.place)
    line = f"export {text}" if assignment.exported else text
    lead = f"# Here and not in prepare(), which makepkg -e leaves out: {mention.variable}"
    body = _if(shape, assignment.conditions, [line]) if assignment.conditions else [line]
    return [lead, *body]


def _if(shape: Shape, conditions: Iterable[str], lines: Iterable[str]) -> list[str]:
    """Return lines inside an `if` of the file's style."""
    step = unit(shape)
    return [f"if {' && '.join(conditions)}; then", *(f"{step}{line}" for line in lines), "fi"]
