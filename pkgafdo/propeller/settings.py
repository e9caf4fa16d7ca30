"""What a user may ask of Propeller."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS

HUGE_PAGE: Final = 2 << 20
"""How many bytes of text one entry of the iTLB covers: x86-64 kernels map theirs in such pages."""


CACHE_LINE: Final = 64
"""Bytes at a multiple of which every function of a kernel with a layout starts."""


class OrderMethod(StrEnum):
    """How functions are ordered."""

    C3 = "c3"
    """Call-chain clustering (Ottoni & Maher, CGO 2017)."""
    CACHE_DIRECTED = "cache-directed"
    """Cache-directed sort, as LLVM's linker does it for call-graph profiles."""
    DENSITY = "density"
    """The most executed per byte first."""
    SOURCE = "source"
    """As they are given."""


class BlockMethod(StrEnum):
    """How the blocks of a function are ordered."""

    EXT_TSP = "ext-tsp"
    """Ext-TSP, or the greedy or source order of a function where that scores higher."""
    GREEDY = "greedy"
    """The heaviest edges become fall-throughs."""
    SOURCE = "source"
    """As the compiler put them, without the cold ones."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class LayoutSettings:
    """How blocks and functions are laid out."""

    blocks: BlockMethod = BlockMethod.EXT_TSP
    """Order of the blocks within a function: ext-tsp, greedy or source."""

    functions: OrderMethod = OrderMethod.CACHE_DIRECTED
    """Order of the functions: cache-directed, c3, density or source."""

    cold_below: Annotated[int, Field(ge=1)] = 1
    """Blocks executed less often go to the function's cold part; 1: only those never executed."""

    cluster_bytes: Annotated[int, Field(ge=1)] = HUGE_PAGE
    """The c3 order lets no cluster of functions grow larger than this."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class GraphLimits:
    """What a recording must have to be worth a layout."""

    min_branches: Annotated[int, Field(ge=1)] = 100_000
    """Taken branches that must be edges or calls of functions with an address map."""

    min_share: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Least share of the taken branches into such functions that must fit their blocks."""

    min_inside: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Least share of all taken branches that must go into such functions."""

    max_imbalance: Annotated[float, Field(ge=0)] = 0.25
    """How far ranges and branches may differ on what was executed, as a share of the executions."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class PropellerSettings:
    """Whether and how Propeller lays out the blocks of a third kernel."""

    enable: bool = False
    """Record the optimised kernel too, and build a third one, its blocks laid out (`--propeller`)."""
    layout: LayoutSettings = field(default_factory=LayoutSettings)
    """How blocks and functions are laid out."""
    limits: GraphLimits = field(default_factory=GraphLimits)
    """What a recording must have to be worth a layout."""
