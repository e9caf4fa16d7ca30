"""How a PKGBUILD builds a kernel: its calls of make, their compiler, and where AutoFDO comes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.pkgbuild_config import (
    STEPS,
    enabled_options,
    moment,
    resets,
    settles,
    writes_config,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.packaging.bash_script import Assignment, Call, Place, Script
    from pkgafdo.packaging.pkgbuild_values import Values

PROFILE_VARIABLE: Final = "CLANG_AUTOFDO_PROFILE"
PREFIX_VARIABLE: Final = "CLANG_PROPELLER_PROFILE_PREFIX"
PROFILE_VARIABLES: Final = (PROFILE_VARIABLE, PREFIX_VARIABLE)
SWITCH: Final = "_autofdo"
"""What linux-cachyos calls its switch for AutoFDO."""
LTO_CHOICE: Final = "_use_llvm_lto"
DEBUG_CHOICE: Final = "_build_debug"
BLIND_LTO: Final = frozenset({"LTO_CLANG_FULL", "LTO_CLANG_THIN_DIST"})
"""With these the linker never gets the profile (scripts/Makefile.autofdo, Linux 7.2)."""

_ARRAY: Final = re.compile(r"\"?\$\{([A-Za-z_][A-Za-z0-9_]*)\[[@*]\]\}\"?")
_NAMES: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_OF_KERNELS: Final = frozenset({"modules_install", "olddefconfig", "bzImage", "image_name"})


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeCall:
    """A call of make on the kernel's tree.

    words are resolved as far as they can be; clang tells whether LLVM compiles, None when that is
    decided somewhere that is not seen. array is the name of the array that its flags come from.
    """

    call: Call
    words: tuple[str, ...]
    clang: bool | None
    llvm_strip: bool
    array: str
    own_llvm: Place | None

    def has_target(self, *names: str) -> bool:
        """Tell whether one of the targets is asked for."""
        return any(name in self.words for name in names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A place where a variable for make is given; text is its value as written."""

    variable: str
    text: str
    place: Place
    function: str
    assignment: Assignment | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What matters of a kernel's PKGBUILD, and the script and values that it was read from."""

    script: Script
    values: Values
    makes: tuple[MakeCall, ...]
    mentions: tuple[Mention, ...]
    enables: tuple[Call, ...]

    @property
    def is_kernel(self) -> bool:
        """Whether a kernel is built at all."""
        return any(one.has_target(*_OF_KERNELS) for one in self.makes)

    @property
    def build_make(self) -> MakeCall | None:
        """The call that compiles the kernel."""
        return next((one for one in self.makes if one.call.function == "build"), None)

    @property
    def resets(self) -> tuple[Call, ...]:
        """The commands of prepare() and build() that drop or replace .config, as they follow."""
        making = (one.call for one in self.makes if resets(one.words))
        writing = (one for one in self.script.calls if writes_config(one))
        found = {one for one in (*making, *writing) if one.function in STEPS}
        return tuple(sorted(found, key=moment))

    @property
    def settling_make(self) -> MakeCall | None:
        """The first call that settles the .config that stays: none replaces it afterwards."""
        found = [one for one in self.makes if settles(one.words) and self.lasts(one.call)]
        return min(found, key=lambda one: moment(one.call), default=None)

    def lasts(self, call: Call) -> bool:
        """Tell whether what a command of prepare() or build() does to .config stays."""
        return call.function in STEPS and all(moment(one) < moment(call) for one in self.resets)

    @property
    def early_enables(self) -> tuple[Call, ...]:
        """The commands that enable AutoFDO in a .config that does not stay."""
        return tuple(one for one in self.enables if one.function in STEPS and not self.lasts(one))

    @property
    def is_able(self) -> bool:
        """Whether AutoFDO can be switched on, or is."""
        return bool(self.enables) or any(one.variable == PROFILE_VARIABLE for one in self.mentions)

    @property
    def is_on(self) -> bool:
        """Whether AutoFDO is on in what the file says now."""
        return self.is_able and self.values.scalar(SWITCH) in {"yes", ""}

    @property
    def profile_name(self) -> str:
        """The name of the profile that is set now; empty in the first round."""
        for mention in self.mentions:
            if mention.variable == PROFILE_VARIABLE:
                names = (name for name in _NAMES.findall(mention.text) if name != "srcdir")
                values = (self.values.scalar(name) for name in names)
                if found := next((value for value in values if value), ""):
                    return found.rpartition("/")[2]
        return ""


def read_shape(script: Script, values: Values) -> Shape:
    """Return what a PKGBUILD does to build a kernel."""
    return Shape(
        script=script,
        values=values,
        makes=tuple(_make_calls(script, values)),
        mentions=tuple(sorted(_mentions(script), key=lambda one: one.place.start)),
        enables=tuple(one for one in script.calls if "AUTOFDO_CLANG" in enabled_options(one)),
    )


def _make_calls(script: Script, values: Values) -> Iterator[MakeCall]:
    wrappers = _wrappers(script)
    for call in script.calls:
        if call.function in wrappers:
            continue
        if call.name in wrappers:
            outer = wrappers[call.name]
            yield _make_call(script, values, call, values.words(outer.words))
        elif call.name.rpartition("/")[2] == "make":
            yield _make_call(script, values, call, ())
        elif (array := _ARRAY.fullmatch(call.name)) and values.array(array[1])[:1] == ("make",):
            yield _make_call(script, values, call, values.array(array[1])[1:])


def _wrappers(script: Script) -> dict[str, Call]:
    """Return the functions that hand their arguments on to make."""
    return {
        call.function: call
        for call in script.calls
        if call.name == "make" and call.function and any(one.text == '"$@"' for one in call.words)
    }


def _make_call(script: Script, values: Values, call: Call, before: tuple[str, ...]) -> MakeCall:
    words = (*before, *(word.strip("\"'") for word in values.words(call.words)))
    arrays = (_ARRAY.fullmatch(word.text) for word in call.words)
    names = [match[1] for match in arrays if match]
    own = [one for one in call.words if one.text.startswith(("LLVM=", "CC="))]
    return MakeCall(
        call=call,
        words=words,
        clang=_is_clang(script, values, words),
        llvm_strip=_is_clang(script, values, words, only_llvm=True) is not False
        or any(word.startswith("STRIP=") and "llvm-strip" in word for word in words),
        array=next((name for name in names if _is_flags(script, name)), ""),
        own_llvm=own[0].place if own else None,
    )


def _is_flags(script: Script, name: str) -> bool:
    """Tell whether an array holds make's flags for the compiler."""
    return any(is_clang_array(one) for one in script.assigned(name))


def is_clang_array(assignment: Assignment) -> bool:
    """Tell whether an assignment puts clang into an array of make's flags."""
    return assignment.is_array and any(
        re.match(r"(LLVM=.)|(CC=.*clang)", word.text) for word in assignment.words
    )


def _is_clang(
    script: Script, values: Values, words: tuple[str, ...], *, only_llvm: bool = False
) -> bool | None:
    """Tell whether these words of make mean LLVM; None when they name something unseen."""
    given = {
        name: value for name, equals, value in (word.partition("=") for word in words) if equals
    }
    llvm, compiler = given.get("LLVM"), given.get("CC", "")
    if llvm is None and any(one.exported for one in script.assigned("LLVM")):
        llvm = values.scalar("LLVM")
    if "clang" in compiler and not only_llvm:
        return True
    if llvm is not None and llvm.startswith("$"):
        return None
    return bool(llvm)


def _mentions(script: Script) -> Iterator[Mention]:
    for assignment in script.assignments:
        if assignment.name in PROFILE_VARIABLES:
            yield Mention(
                variable=assignment.name, text=script.text(assignment.value),
                place=assignment.place, function=assignment.function, assignment=assignment,
            )  # fmt: skip
        for word in assignment.words:
            name, equals, text = word.text.partition("=")
            if equals and name in PROFILE_VARIABLES:
                yield Mention(
                    variable=name, text=text, place=word.place,
                    function=assignment.function, assignment=assignment,
                )  # fmt: skip
    for call in script.calls:
        for word in call.words:
            name, equals, text = word.text.partition("=")
            if equals and name in PROFILE_VARIABLES:
                yield Mention(
                    variable=name, text=text, place=word.place,
                    function=call.function, assignment=None,
                )  # fmt: skip
