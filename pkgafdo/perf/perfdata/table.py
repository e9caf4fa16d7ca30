"""From the counts of a recording to a table at link addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pkgafdo.branches.filters import drop_bogus_ranges, keep_inside, module_intervals
from pkgafdo.branches.meta import DropReason, TableMeta, add_dropped
from pkgafdo.branches.origin import RUNTIME, RUNTIME_ADDRESSES, UNKNOWN
from pkgafdo.branches.table import from_counts
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata import state as st
from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.mappings import module_mappings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.branches.filters import Interval
    from pkgafdo.branches.meta import ModuleMapping
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import TextBounds
    from pkgafdo.perf.perfdata.attrs import EventAttr
    from pkgafdo.perf.perfdata.mappings import KernelMapping
    from pkgafdo.perf.perfdata.session import Session
    from pkgafdo.perf.perfdata.state import Words

_TOP: Final = 1 << 64
_HARDWARE: Final = (
    "cycles",
    "instructions",
    "cache-references",
    "cache-misses",
    "branches",
    "branch-misses",
)
"""perf_event_attr.config of type 0 (PERF_TYPE_HARDWARE)."""
_RAW: Final = 4


def table_of(session: Session, *, text: TextBounds | None, filters: bool) -> BranchTable:
    """Return the table of a recording that was read to its end."""
    _check_content(session, filters=filters)
    modules = module_mappings(session.known.modules)
    places = module_intervals(modules)
    kernel = kernel_interval(session.known.kernel, text, places)
    shift = kernel_shift(session.known.kernel, text)
    branches, ranges = (list(columns) for columns in session.counter.columns())
    if kernel is not None and shift:
        for columns in (branches, ranges):
            columns[0] = moved(columns[0], kernel, shift)
            columns[1] = moved(columns[1], kernel, shift)
    source, target, taken, missed = branches
    start, end, passed = ranges
    table = from_counts(
        (source, target, taken, missed), (start, end, passed), _meta(session, text, modules)
    )
    code = linked_code(text) or ([kernel] if kernel is not None else [])
    if not filters:
        return table
    table = drop_bogus_ranges(table)
    return keep_inside(table, [*code, *places]) if code else table


def kernel_shift(kernel: KernelMapping | None, text: TextBounds | None) -> int:
    """Return what must be added to the running kernel's addresses to give link addresses."""
    if kernel is None or text is None:
        return 0
    linked = text.stext if kernel.symbol == "_stext" else text.text
    return linked - kernel.address if linked is not None else 0


def kernel_interval(
    kernel: KernelMapping | None, text: TextBounds | None, modules: Sequence[Interval]
) -> Interval | None:
    """Return where the running kernel's code lay: by its symbols if they are known."""
    code = linked_code(text)
    if code:
        shift = kernel_shift(kernel, text)
        start, end = code[0][0] - shift, code[-1][1] - shift
        if start < 0 or end > _TOP:
            raise damaged(f"It says that the kernel lay at {start:#x}; there is no room for it.")
        return start, end
    if kernel is None:
        return None
    # perf wrote a length of zero, or one up to the end of all addresses, in some versions.
    end = kernel.address + kernel.length if kernel.length else _TOP
    after = [start for start, _ in modules if start > kernel.address]
    return kernel.address, min(end, _TOP, *after)


def linked_code(text: TextBounds | None) -> list[Interval]:
    """Return where a kernel's code is linked: .text, then .init.text."""
    if text is None:
        return []
    first = text.stext if text.text is None else text.text
    bounds = ((first, text.etext), (text.sinittext, text.einittext))
    return [(start, end) for start, end in bounds if start is not None and end is not None]


def moved(addresses: Words, kernel: Interval, shift: int) -> Words:
    """Return addresses, those in the kernel's interval moved by `shift`."""
    inside = (addresses >= np.uint64(kernel[0])) & (addresses <= np.uint64(kernel[1] - 1))
    return np.where(inside, addresses + np.uint64(shift % _TOP), addresses)


def _check_content(session: Session, *, filters: bool) -> None:
    """Raise ArtifactError when a recording holds nothing to count."""
    samples, user = session.counter.samples, session.counter.user_samples
    if not samples:
        raise ArtifactError(
            "The recording has no samples",
            details=f"{session.known.lost} samples were lost, {session.finder.unknown} are of events that "
            "it does not describe.",
            hint="Did the workload run while perf recorded, and is the event supported here "
            "(`pkgafdo doctor`)?",
        )
    if filters and user == samples:
        raise ArtifactError(
            f"All {samples} samples of the recording are of user space",
            hint="Record the kernel: an event that ends in :k, as root or with "
            "kernel.perf_event_paranoid below 2.",
        )


def _meta(
    session: Session, text: TextBounds | None, modules: tuple[ModuleMapping, ...]
) -> TableMeta:
    facts, counter, kernel = session.known.facts, session.counter, session.known.kernel
    events = [
        attr for attr in named_events(session.known.attrs, facts.event_names) if attr.has_branches
    ]
    periods = {attr.period for attr in events}
    link_base = text.text if text is not None else None
    if link_base is None:
        link_base = kernel.address if kernel is not None else 0
    dropped = {
        DropReason.WRONG_PATH: counter[st.WRONG_PATH],
        DropReason.USER: counter[st.USER],
        DropReason.GUEST: counter.guest,
    }
    return TableMeta(
        build_id=facts.kernel_build_id,
        kernelrelease=facts.kernelrelease,
        link_base=link_base,
        event=" + ".join(dict.fromkeys(attr.name for attr in events)),
        period=periods.pop() if len(periods) == 1 else 0,
        samples=counter.samples,
        lost=session.known.lost,
        source=session.known.source,
        cpu=facts.cpu,
        dropped=add_dropped(dropped, {}),
        modules=modules,
        extra=_extra(session, text),
    )


def _extra(session: Session, text: TextBounds | None) -> dict[str, str]:
    facts = session.known.facts
    extra = {
        "arch": facts.arch,
        "command": facts.command,
        "kaslr-shift": f"{-kernel_shift(session.known.kernel, text):#x}"
        if text is not None
        else "",
        "unknown-event-samples": str(session.finder.unknown or ""),
        RUNTIME_ADDRESSES: _mark(session.known.kernel, text),
    }
    extra |= {f"build-id {name}": digest for name, digest in facts.module_build_ids.items()}
    return {name: value for name, value in extra.items() if value}


def _mark(kernel: KernelMapping | None, text: TextBounds | None) -> str:
    """Return the mark of addresses that are not link addresses; empty when they are."""
    if kernel is None:
        return UNKNOWN
    return f"{RUNTIME}{kernel.symbol}" if text is None else ""


def named_events(attrs: Sequence[EventAttr], names: Sequence[str]) -> list[EventAttr]:
    """Return the events with their names: as recorded, else those they have, else after their numbers."""
    if len(names) != len(attrs):
        names = [""] * len(attrs)
    return [
        replace(attr, name=name or attr.name or default_name(attr))
        for attr, name in zip(attrs, names, strict=True)
    ]


def default_name(attr: EventAttr) -> str:
    """Return a name for an event whose name the recording does not tell, as perf would write it."""
    if attr.type == 0 and attr.config < len(_HARDWARE):
        return _HARDWARE[attr.config]
    return f"r{attr.config:x}" if attr.type == _RAW else f"{attr.type}/config={attr.config:#x}/"
