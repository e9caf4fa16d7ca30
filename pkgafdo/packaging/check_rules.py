"""What is wrong with a kernel's PKGBUILD: the compiler, the link time optimization, the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.check_finding import Finding, Severity, finding
from pkgafdo.packaging.check_grade import ADAPT, grade, grade_profile
from pkgafdo.packaging.check_kconfig import (
    check_age,
    check_kconfig,
    check_lto_parts,
)
from pkgafdo.packaging.pkgbuild_config import enabled_options
from pkgafdo.packaging.pkgbuild_shape import (
    BLIND_LTO,
    DEBUG_CHOICE,
    LTO_CHOICE,
    PROFILE_VARIABLES,
    SWITCH,
    is_clang_array,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pkgafdo.packaging.bash_script import Call, Script
    from pkgafdo.packaging.pkgbuild_shape import Shape

CI_VARIABLES: Final = frozenset(
    {"CI", "GITHUB_ACTIONS", "GITHUB_RUN_ID", "GITLAB_CI", "CI_JOB_ID", "JENKINS_URL", "TRAVIS"}
)

_BLIND_CHOICES: Final = {"full": "full LTO", "thin-dist": "distributed ThinLTO"}


def check_is_kernel(shape: Shape) -> Iterator[Finding]:
    """Find that no kernel is built, or nothing at all."""
    if shape.script.function("build") is None:
        yield finding(
            "no-build", Severity.ERROR, 0, "there is no build() function",
            "A kernel is compiled in build().",
        )  # fmt: skip
    if not shape.is_kernel:
        yield finding(
            "not-a-kernel", Severity.ERROR, 0,
            "this builds no kernel: no make olddefconfig, bzImage or modules_install",
            "Name the folder of a kernel's PKGBUILD.",
        )  # fmt: skip


def check_able(shape: Shape) -> Iterator[Finding]:
    """Find that AutoFDO is not foreseen."""
    if not shape.is_able:
        yield finding(
            "no-autofdo", Severity.NOTE, 0, "AutoFDO is not foreseen here",
            "`pkgafdo pkgbuild adapt` adds it.",
        )  # fmt: skip


def check_compiler(shape: Shape) -> Iterator[Finding]:
    """Find that GCC builds, or can build, what only clang can profile."""
    build = shape.build_make
    if not shape.is_able or build is None:
        return
    line = build.call.place.line
    if build.clang is False:
        yield finding(
            "gcc-with-autofdo", grade(shape), line,
            "this builds with GCC, which knows nothing of AutoFDO and loses it without a word",
            ADAPT,
        )  # fmt: skip
        return
    if build.clang is None:
        yield finding(
            "gcc-with-autofdo", Severity.WARNING, line,
            "which compiler this uses is decided elsewhere; GCC would lose AutoFDO without a word",
            "Give make LLVM=1.",
        )  # fmt: skip
    arrays = [one for one in shape.script.assigned(build.array) if is_clang_array(one)]
    if build.array and arrays and all(one.nested for one in arrays):
        covered = any(f"${SWITCH}" in text for one in arrays for text in one.conditions)
        if not covered:
            yield finding(
                "gcc-with-autofdo", Severity.WARNING, arrays[0].place.line,
                f"clang is used only where {' and '.join(arrays[0].conditions) or 'a case'} holds; "
                "otherwise GCC builds, and AutoFDO is lost without a word",
                ADAPT,
            )  # fmt: skip


def check_lto(shape: Shape) -> Iterator[Finding]:
    """Find a link time optimization with which the linker never gets the profile."""
    if not shape.is_able:
        return
    choice = shape.values.scalar(LTO_CHOICE)
    if choice in _BLIND_CHOICES:
        lines = [one.place.line for one in shape.script.assigned(LTO_CHOICE)]
        yield finding(
            "lto-ignores-profile", grade(shape), lines[0] if lines else 0,
            f"with {_BLIND_CHOICES[choice]} the linker never gets the profile",
            f"Set {LTO_CHOICE} to thin or none; `pkgafdo pkgbuild adapt --lto thin`.",
        )  # fmt: skip
    for call in shape.script.calls:
        blind = [option for option in enabled_options(call) if option in BLIND_LTO]
        if blind and not call.nested:
            yield finding(
                "lto-ignores-profile", grade(shape), call.place.line,
                f"with {blind[0]} the linker never gets the profile",
                "Enable LTO_CLANG_THIN, or LTO_NONE.",
            )  # fmt: skip


def check_flags(shape: Shape) -> Iterator[Finding]:
    """Find profile flags that makepkg -e loses, as they are set in prepare() alone."""
    lasting = {one.variable for one in shape.mentions if one.function != "prepare"}
    for mention in shape.mentions:
        kept = mention.assignment is None or mention.variable in lasting
        if mention.function == "prepare" and not kept:
            yield finding(
                "flags-lost",
                grade_profile(shape, propeller="PROPELLER" in mention.variable), mention.place.line,
                f"{mention.variable} is set in prepare(), which `makepkg -e` leaves out: "
                "the kernel is built without the profile",
                f"Set it in build(). {ADAPT}",
            )  # fmt: skip


def check_strip(shape: Shape) -> Iterator[Finding]:
    """Find GNU strip where clang's modules are."""
    options = shape.values.array("options")
    if "!strip" not in options:
        lines = [one.place.line for one in shape.script.assigned("options")]
        yield finding(
            "gnu-strip", grade(shape), lines[0] if lines else 0,
            "makepkg may strip the packages with GNU strip, which fails on clang's modules "
            "(.llvm.call-graph-profile) and strips vmlinux",
            f"Put !strip into options=(). {ADAPT}",
        )  # fmt: skip
    build = shape.build_make
    clang = build is not None and build.clang is not False
    for make in shape.makes:
        if clang and make.has_target("modules_install") and not make.llvm_strip:
            yield finding(
                "gnu-strip", grade(shape) if shape.is_able else Severity.WARNING,
                make.call.place.line,
                "modules_install runs without LLVM=1, so GNU strip gets the modules that clang made",
                f"Give it LLVM=1, or STRIP=llvm-strip. {ADAPT}",
            )  # fmt: skip


def check_vmlinux(shape: Shape) -> Iterator[Finding]:
    """Find that no package carries the vmlinux that profiles are made with."""
    stripping = [one for one in _about_vmlinux(shape.script) if one.name == "strip"]
    stripped = {one.function for one in stripping}
    whole = {
        one.function
        for one in _about_vmlinux(shape.script)
        if one.name in {"install", "cp"} and one.function not in stripped
    }
    if any(_is_packaged(shape, name) for name in whole):
        return
    lines = [one.place.line for one in stripping]
    yield finding(
        "stripped-vmlinux", Severity.WARNING, lines[0] if lines else 0,
        "no package carries an unstripped vmlinux, without which no profile can be made",
        f"Set {DEBUG_CHOICE}=yes." if whole and shape.values.scalar(DEBUG_CHOICE) else ADAPT,
    )  # fmt: skip


def _about_vmlinux(script: Script) -> Iterator[Call]:
    for call in script.calls:
        words = [word.text.strip("\"'").rpartition("/")[2] for word in call.words]
        if "vmlinux" in words and call.function:
            yield call


def _is_packaged(shape: Shape, function: str) -> bool:
    """Tell whether a function fills one of the packages that are built."""
    name = function.lstrip("_").removeprefix("package").removeprefix("_")
    base = shape.values.scalar("pkgbase")
    return name in shape.values.array("pkgname") or f"{base}{name}" in shape.values.array("pkgname")


def check_ci(shape: Shape) -> Iterator[Finding]:
    """Find that a CI's variables change what is built."""
    unset = {
        word.literal
        for call in shape.script.calls_in("")
        if call.name == "unset"
        for word in call.words
    }
    seen: set[str] = set()
    for use in shape.script.uses:
        if use.name in CI_VARIABLES - seen and use.name not in unset:
            seen.add(use.name)
            yield finding(
                "ci-variable", Severity.WARNING, use.place.line,
                f"where ${use.name} is set, another kernel is built than elsewhere: "
                "its profile does not fit",
                f"Unset it before. {ADAPT}",
            )  # fmt: skip


def check_order(shape: Shape) -> Iterator[Finding]:
    """Find functions that are called before they are there."""
    begins = {one.name: one.place.start for one in shape.script.functions}
    for call in shape.script.calls_in(""):
        if begins.get(call.name, -1) > call.place.start:
            yield finding(
                "called-too-early", Severity.WARNING, call.place.line,
                f"{call.name} is called before it is defined: bash says “command not found”, "
                "and makepkg goes on",
                "Move the function up.",
            )  # fmt: skip


def check_environment(shape: Shape) -> Iterator[Finding]:
    """Find options that only the environment sets."""
    for assignment in shape.script.assigned(SWITCH):
        if assignment.operator == ":=" and not shape.is_on:
            yield finding(
                "environment-option", Severity.NOTE, assignment.place.line,
                f"{SWITCH} from the environment does not reach a clean chroot (pkgctl build)",
                "Write the choice into the PKGBUILD.",
            )  # fmt: skip


def check_profile_source(shape: Shape) -> Iterator[Finding]:
    """Find profiles in source=() without a checksum of their own."""
    sums = {one.conditions for one in shape.script.assignments if one.name.endswith("sums")}
    names = _profile_variables(shape)
    for assignment in shape.script.assigned("source"):
        text = shape.script.text(assignment.value)
        propeller = "propeller_" in text
        is_profile = any(f"${{{name}}}" in text or f"${name}" in text for name in names)
        if (is_profile or propeller) and assignment.nested and assignment.conditions not in sums:
            yield finding(
                "profile-without-sum", grade_profile(shape, propeller=propeller),
                assignment.place.line,
                "the profile comes into source=() without a checksum: makepkg stops",
                "Add its sum beside it: `pkgafdo pkgbuild adapt "
                f"{'--propeller' if propeller else '--profile'}` does it.",
            )  # fmt: skip


def _profile_variables(shape: Shape) -> set[str]:
    texts = [one.text for one in shape.mentions if one.variable in PROFILE_VARIABLES]
    names = {use.name for use in shape.script.uses if any(use.name in text for text in texts)}
    return names - {"srcdir"}


RULES: Final[tuple[Callable[[Shape], Iterator[Finding]], ...]] = (
    check_is_kernel,
    check_able,
    check_age,
    check_compiler,
    check_lto,
    check_lto_parts,
    check_flags,
    check_kconfig,
    check_strip,
    check_vmlinux,
    check_ci,
    check_order,
    check_environment,
    check_profile_source,
)
"""The first one says whether the others have anything to look at."""
