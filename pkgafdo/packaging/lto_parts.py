"""Parts of a PKGBUILD that are clang's only with link time optimization, as linux-cachyos has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkgafdo.packaging.pkgbuild_config import STEPS
from pkgafdo.packaging.pkgbuild_shape import LTO_CHOICE, is_clang_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.packaging.bash_script import Assignment, Script


@dataclass(frozen=True, kw_only=True, slots=True)
class LtoPart:
    """One of them: its line, what it does, and whether a build breaks without it."""

    line: int
    what: str
    breaks: bool


def lto_parts(script: Script) -> Iterator[LtoPart]:
    """Yield what hangs on the LTO and should hang on the compiler; make's own flags left out."""
    deciding = (LTO_CHOICE, *_deciders(script))
    for one in script.assignments:
        statement = script.text(one.statement.place)
        if not any(name in statement for name in deciding) or is_clang_array(one):
            continue
        what, breaks = _part(one, script.text(one.value))
        if what:
            yield LtoPart(line=one.place.line, what=what, breaks=breaks)


def _deciders(script: Script) -> Iterator[str]:
    """Yield the functions that only tell whether there is LTO, such as _is_lto_kernel."""
    doing = {one.function for one in script.assignments} | set(STEPS)
    for function in script.functions:
        if function.name not in doing and f"${LTO_CHOICE}" in script.text(function.body):
            yield function.name


def _part(one: Assignment, value: str) -> tuple[str, bool]:
    """Return what an assignment does for clang, and whether a build breaks without it."""
    if "llvm-strip" in value:
        return "llvm-strip strips modules, and GNU strip fails on those that clang made", True
    if "KERNEL_LLVM=" in value:
        return "a module from elsewhere gets KERNEL_LLVM=1, and GCC's does not fit", True
    if one.name == "depends" and "clang" in value:
        return "the headers depend on clang, llvm and lld, which DKMS needs", False
    if one.name == "source" and "clang" in value:
        name = value.strip("()\n \"'").rpartition("/")[2]
        return f"{name} comes in", False
    return "", False
