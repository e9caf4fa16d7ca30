"""Compiling the inner loops with numba."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function to machine code when it is first called; keep the code for later runs.

    Where no folder can hold the cache (a read-only installation without a home) it is compiled anew
    in each process.
    """
    try:
        fast = numba.njit(function, nogil=True, cache=True)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        fast = numba.njit(function, nogil=True)
    return cast("Callable[P, R]", fast)
