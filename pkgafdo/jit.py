"""Compiling inner loops with numba."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _sources_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function to machine code when it is first called; keep the code for later runs.

    numba renews kept code when the function's own file changes, not when a constant or a function
    that it uses does; so the digest of all files in its folder becomes a part of its name. Where no
    folder can hold the code (a read-only installation without a home) it is compiled in each process.
    """
    function.__qualname__ += f"_{_sources_digest(Path(function.__code__.co_filename).parent)}"
    try:
        fast = numba.njit(function, cache=True)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        fast = numba.njit(function)
    return cast("Callable[P, R]", fast)
