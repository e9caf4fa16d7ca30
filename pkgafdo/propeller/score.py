"""What a layout is worth: the share of edges that fall through, and the score of ext-TSP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pkgafdo.propeller.joins import (
    BACKWARD_BYTES,
    FALL_THROUGH,
    FORWARD_BYTES,
    JUMP,
    ONLY_SUCCESSOR,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What is to be expected of a layout when it runs as it was recorded.

    falling: executions of edges that fall through. jumping: of those that jump. score: ext-TSP's.
    """

    falling: int
    jumping: int
    score: float

    @property
    def fall_through_share(self) -> float:
        """The share of executed edges between blocks that need no taken branch."""
        return self.falling / max(self.falling + self.jumping, 1)


def place_blocks(order: Ints, sizes: Ints, first_block: Ints) -> Ints:
    """Return where each block starts, in bytes from the first block of its function.

    `order` lists all blocks, function by function. Empty blocks count as one byte, so that no two
    lie at the same place.
    """
    real = np.maximum(sizes, 1)
    starts = np.empty(len(order), np.int64)
    starts[order] = np.cumsum(real[order]) - real[order]
    origin = starts[order[first_block[:-1]]]
    starts[order] -= np.repeat(origin, np.diff(first_block))
    return starts


def ext_tsp_scores(starts: Ints, sizes: Ints, src: Ints, dst: Ints, weights: Ints) -> Floats:
    """Return what each edge adds to the score of ext-TSP where the blocks start at `starts`."""
    distance = starts[dst] - starts[src] - np.maximum(sizes[src], 1)
    outs = np.bincount(src, minlength=len(sizes))[src]
    falls = np.where(outs == 1, ONLY_SUCCESSOR, FALL_THROUGH)
    reach = np.where(distance > 0, FORWARD_BYTES, BACKWARD_BYTES)
    jumps = JUMP * np.maximum(0.0, 1.0 - np.abs(distance) / reach)
    return np.asarray(weights * np.where(distance == 0, falls, jumps), np.float64)


def expect(starts: Ints, sizes: Ints, src: Ints, dst: Ints, weights: Ints) -> Expected:
    """Return what is to be expected where the blocks start at `starts`."""
    falls = starts[src] + np.maximum(sizes[src], 1) == starts[dst]
    return Expected(
        falling=int(weights[falls].sum()),
        jumping=int(weights[~falls].sum()),
        score=float(ext_tsp_scores(starts, sizes, src, dst, weights).sum()),
    )
