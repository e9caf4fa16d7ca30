"""Closing the gaps that interrupts, or sampling, leave in what ranges tell of blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo.jit import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_TOLERATED: Final = 4
"""Less than one in so many executions may leave a block in no known way: noise, left alone."""


@compiled
def mend(
    covered: Ints, jumps: Ints, leaves: Ints, may_fall: NDArray[np.bool_], falls: Ints, counts: Ints
) -> None:
    """Fill in counts of blocks in address order, and add the falls that must have been.

    A recorder can lose a whole range (QEMU before 8 ends one where an instruction crosses a page),
    but not the branch before it; so a block that was jumped to was executed, and where executions
    leave it in no known way they fell into the next block.

    covered: executions that ranges tell; jumps: entered by a jump or call; leaves: left by a jump
    within the function; may_fall: falls into the next place when it does not jump; falls: into each
    place, is added to; counts: is filled.
    """
    for place in range(len(covered)):
        count = max(covered[place], jumps[place] + falls[place])
        counts[place] = count
        if may_fall[place]:
            missing = count - leaves[place] - falls[place + 1]
            if missing * _TOLERATED > count:
                falls[place + 1] += missing
