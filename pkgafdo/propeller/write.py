"""The two text files of a layout: cc_profile for the compiler, ld_profile for the linker.

cc_profile is version 1 of clang's basic block sections profile, as read by
llvm/lib/CodeGen/BasicBlockSectionsProfileReader.cpp: `v1`, then for each function `m <source file>`
(optional), `f <symbol> <aliases>` and one `c <block ids>` line a cluster. The first cluster keeps the
function's symbol, the others become `<symbol>.__part.<n>`, blocks in no cluster `<symbol>.cold`.
ld_profile lists these symbols in the order wanted, one a line.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pkgafdo.propeller.layout import FunctionLayout, Layout

CC_PROFILE: Final = "_cc_profile.txt"
LD_PROFILE: Final = "_ld_profile.txt"
"""What scripts/Makefile.propeller appends to CLANG_PROPELLER_PROFILE_PREFIX."""

PART: Final = ".__part."
COLD: Final = ".cold"
_WORD: Final = re.compile(r"[!\"$-~][!-~]*")
"""What both files can hold: no spaces, no leading “#”, which begins a comment."""


def cc_profile_path(prefix: Path) -> Path:
    """Return the compiler's file of a prefix."""
    return prefix.with_name(prefix.name + CC_PROFILE)


def ld_profile_path(prefix: Path) -> Path:
    """Return the linker's file of a prefix."""
    return prefix.with_name(prefix.name + LD_PROFILE)


def cc_profile(layout: Layout, comment: str | None = None) -> Iterator[str]:
    """Yield the lines of the compiler's file, one of them with what is to be known of it."""
    _check(layout.functions)
    yield "v1"
    if comment is not None:
        yield f"# {' '.join(comment.split())}"
    for function in layout.functions:
        if function.module is not None:
            yield f"m {function.module}"
        yield f"f {' '.join(function.names)}"
        for cluster in function.clusters:
            yield "c " + " ".join(map(str, cluster))


def ld_profile(layout: Layout) -> Iterator[str]:
    """Yield the lines of the linker's file: everything hot, then everything cold.

    The linker knows symbols by name only: all static functions of a name lie where the first is listed.
    Parts are called after the function's name in the compiler, which may be any of its names.
    """
    _check(layout.functions)
    symbols: dict[str, None] = {}
    for function in layout.functions:
        symbols |= dict.fromkeys(function.names)
        for part in range(1, len(function.clusters)):
            symbols |= dict.fromkeys(f"{name}{PART}{part}" for name in function.names)
    for function in layout.functions:
        if function.has_cold:
            symbols |= dict.fromkeys(name + COLD for name in function.names)
    yield from symbols


def write_profiles(
    layout: Layout, prefix: Path, *, comment: str | None = None
) -> tuple[Path, Path]:
    """Write PREFIX_cc_profile.txt and PREFIX_ld_profile.txt by rename; return their paths.

    Raises ArtifactError when the layout cannot be said in these files.
    """
    texts = [_text(cc_profile(layout, comment)), _text(ld_profile(layout))]
    paths = cc_profile_path(prefix), ld_profile_path(prefix)
    for path, text in zip(paths, texts, strict=True):
        write_text(path, text)
    return paths


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _check(functions: tuple[FunctionLayout, ...]) -> None:
    """Raise ArtifactError for names that the compiler would misread, or refuse as duplicates."""
    for function in functions:
        for word in (*function.names, function.module):
            if word is not None and not _WORD.fullmatch(word):
                raise ArtifactError(
                    f"a function's name cannot be written to a Propeller profile: {word!r}",
                    hint="Rename the function or its source file, or leave it out of the layout.",
                )
        if not function.clusters or not all(function.clusters):
            raise ArtifactError(
                f"{function.name} has an empty cluster of blocks",
                hint="Functions without hot blocks are left out of a layout.",
            )
    _check_unique(functions)


def _check_unique(functions: tuple[FunctionLayout, ...]) -> None:
    """Raise ArtifactError for two functions that the compiler could not tell apart.

    A function without a module stands for all of its name.
    """
    times = Counter(function.name for function in functions)
    seen: set[tuple[str, str]] = set()
    for function in functions:
        if times[function.name] == 1:
            continue
        if function.module is None or (function.name, function.module) in seen:
            raise ArtifactError(
                f"several functions are called {function.name}",
                details="The compiler stops at the second profile for a function of one name.",
                hint="Record a kernel with debug information: it tells their source files.",
            )
        seen.add((function.name, function.module))
