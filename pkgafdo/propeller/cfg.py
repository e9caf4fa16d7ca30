"""The control-flow graph with counts of a kernel, from its address map and a recording of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo import elf, log
from pkgafdo.branches.origin import (
    foreign_build_ids,
    name_build_ids,
    require_link_addresses,
    require_machine,
    tells_build_id,
)
from pkgafdo.errors import ArtifactError
from pkgafdo.propeller.addrmap import read_address_map
from pkgafdo.propeller.flow import count_flow
from pkgafdo.propeller.functions import describe_functions
from pkgafdo.propeller.graph import ProgramGraph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.propeller.addrmap import AddressMap
    from pkgafdo.propeller.flow import Flow
    from pkgafdo.propeller.graph import Coverage
    from pkgafdo.propeller.settings import GraphLimits

_RANGES_LOST: Final = 0.001
"""Exact and sampled recordings lose less than one range in ten thousand."""


def build_graph(
    vmlinux: Path,
    table: BranchTable,
    limits: GraphLimits,
    *,
    allow_mismatch: bool = False,
) -> ProgramGraph:
    """Return the executed part of a kernel with the counts of a recording of that very kernel.

    vmlinux is the one with the address map. Raises ArtifactError when it has none, when it is another
    kernel than the recorded one, or when the recording is too thin.
    """
    require_same_build(vmlinux, table, allow_mismatch=allow_mismatch)
    found = read_address_map(vmlinux)
    if found.repeated:
        log.warn(f"{found.repeated} functions are more than once in the map of {vmlinux}")
    flow = count_flow(found, table)
    require_coverage(flow.coverage, limits)
    require_balance(flow.coverage, limits)
    for doubt in doubts(flow.coverage):
        log.warn(doubt)
    return select_executed(found, flow, vmlinux)


def require_same_build(vmlinux: Path, table: BranchTable, *, allow_mismatch: bool) -> None:
    """Raise ArtifactError when the recording is known to be of another build than vmlinux.

    A layout needs the very build: block ids mean nothing in another one.
    """
    require_machine(table.meta, vmlinux)
    if not tells_build_id(table.meta):
        log.warn(f"The recording does not say its build-id: is it of {vmlinux}?")
    other = _other_build(vmlinux, table)
    if other and allow_mismatch:
        log.warn(f"{other}: block ids of one mean nothing in the other")
    elif other:
        raise ArtifactError(
            "The recording is of another build than this vmlinux",
            details=other,
            hint="Boot the kernel that was built with the address map and record that, or name the "
            "vmlinux.unstripped of the recorded build.",
        )
    if fault := require_link_addresses(table.meta, vmlinux, allowed=allow_mismatch):
        log.warn(fault)


def find_mismatch(vmlinux: Path, table: BranchTable) -> str | None:
    """Say what of a recording is known not to be of a vmlinux: its build, its addresses."""
    fault = require_link_addresses(table.meta, vmlinux, allowed=True)
    found = (_other_build(vmlinux, table), fault[:1].lower() + fault[1:])
    return "; ".join(filter(None, found)) or None


def _other_build(vmlinux: Path, table: BranchTable) -> str:
    """Say which builds a recording and a vmlinux are of, when they are known to be two."""
    build_id = elf.build_id(vmlinux) or ""
    foreign = foreign_build_ids(table.meta, build_id)
    if not foreign:
        return ""
    named = name_build_ids(foreign)
    return f"the recording has build-id {named}, {vmlinux.name} has {build_id or 'none'}"


def require_coverage(coverage: Coverage, limits: GraphLimits) -> None:
    """Raise ArtifactError when too little of a recording found its place in the map."""
    inside = coverage.placed + coverage.lost
    numbers = (
        f"{coverage.total:,} taken branches; {coverage.edges:,} edges, {coverage.calls:,} calls, "
        f"{coverage.returns:,} returns; {coverage.outside:,} into code without a map, "
        f"{coverage.lost:,} into the map without a place; {coverage.map_functions:,} functions "
        f"with {coverage.map_blocks:,} blocks in the map"
    )
    if inside < limits.min_inside * coverage.total:
        raise ArtifactError(
            f"Only {inside / coverage.total:.1%} of the taken branches are in functions with an "
            f"address map; {limits.min_inside:.0%} are needed",
            details=numbers,
            hint="Was the whole kernel built with CONFIG_PROPELLER_CLANG=y? Does the workload run "
            "mostly in modules?",
        )
    # Returns tell nothing about a layout.
    if coverage.edges + coverage.calls < limits.min_branches:
        raise ArtifactError(
            f"The recording is too thin for a layout: {coverage.edges + coverage.calls:,} taken "
            f"branches are edges or calls, {limits.min_branches:,} are needed",
            details=numbers,
            hint="Record longer, or a workload that spends more time in the kernel.",
        )
    if coverage.share < limits.min_share:
        raise ArtifactError(
            f"Only {coverage.share:.1%} of the taken branches fit the blocks of the address map; "
            f"{limits.min_share:.0%} are needed",
            details=numbers,
            hint="The recording is of another build, or its addresses are moved (KASLR): record "
            "the kernel with the map again, and read the recording with --vmlinux.",
        )


def require_balance(coverage: Coverage, limits: GraphLimits) -> None:
    """Raise ArtifactError when the ranges of a recording tell another story than its branches."""
    if coverage.imbalance > limits.max_imbalance:
        raise ArtifactError(
            f"Fall-through ranges and taken branches differ by {coverage.imbalance:.1%} of the "
            f"executed blocks; {limits.max_imbalance:.0%} are allowed",
            details=f"{coverage.ranges:,} ranges into the map, {coverage.ranges_lost:,} of them "
            "without a place",
            hint="Both must come from the same branch stacks, of four or more entries. Where shorter "
            "ones are all there is, raise propeller.limits.max_imbalance.",
        )


def doubts(coverage: Coverage) -> Iterator[str]:
    """Yield what is wrong with the fall-through ranges of a recording that can be used."""
    if coverage.ranges == coverage.ranges_lost:
        yield (
            "The recording has no fall-through ranges in this kernel: which blocks were fallen "
            "into is guessed from the branches"
        )
    elif coverage.ranges_lost > _RANGES_LOST * coverage.ranges:
        yield (
            f"{coverage.ranges_lost / coverage.ranges:.2%} of the fall-through ranges fit no "
            "function of the address map: is the recording of this build?"
        )


def select_executed(found: AddressMap, flow: Flow, vmlinux: Path) -> ProgramGraph:
    """Make the graph of the functions that have a count."""
    function = found.function
    executed = flow.entries > 0
    executed[function[flow.counts > 0]] = True
    kept = np.flatnonzero(executed)
    blocks = np.flatnonzero(executed[function])
    facts = describe_functions(vmlinux, found.entry[kept])
    number = np.cumsum(executed) - 1
    block_number = np.cumsum(executed[function]) - 1
    sizes = np.diff(found.first_block)[kept]
    return ProgramGraph(
        names=facts.names,
        aliases=facts.aliases,
        modules=facts.modules,
        entries=flow.entries[kept],
        movable=facts.movable,
        addresses=found.entry[kept],
        first_block=np.concatenate([[0], np.cumsum(sizes)]),
        ids=found.ids[blocks],
        sizes=found.size[blocks],
        flags=found.flags[blocks],
        counts=flow.counts[blocks],
        edge_src=block_number[flow.edges.src],
        edge_dst=block_number[flow.edges.dst],
        edge_weights=flow.edges.weights,
        edge_taken=flow.edges.taken,
        call_src=block_number[flow.calls.src],
        call_dst=number[flow.calls.dst],
        call_weights=flow.calls.weights,
        coverage=flow.coverage,
    )
