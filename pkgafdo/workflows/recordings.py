"""Reading any recording into one table, and writing a table for any tool."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import elf, files, log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches import texts
from pkgafdo.branches.filters import drop_impossible_ranges
from pkgafdo.branches.marks import accept_faults, require_unmarked
from pkgafdo.branches.merge import merge_tables
from pkgafdo.branches.meta import TableMeta, meta_to_json
from pkgafdo.branches.origin import build_ids, name_build_ids
from pkgafdo.branches.propeller import branch_frequencies
from pkgafdo.branches.store import is_table, read_table
from pkgafdo.branches.vlbr import is_counts_file, read_counts
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.events import counts_branches
from pkgafdo.perf.perfdata.formats import FOREIGN_MAGIC, MAGIC, OLD_MAGIC, PIPE_HEADER_SIZE
from pkgafdo.profile.conversion import require_same_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from pkgafdo.branches.table import BranchTable

_HEAD: Final = 1 << 16
_MAGICS: Final = (MAGIC, FOREIGN_MAGIC, OLD_MAGIC)
_SCRIPT: Final = re.compile(rb"\A[^\0]*(0x[0-9a-f]+/0x[0-9a-f]+/|PERF_RECORD_MMAP)")
_PRINTED_BY: Final = "perf script --show-mmap-events -F ip,brstack"
"""Without the mmap events nobody knows where the kernel lay."""
_KINDS: Final = (
    f"Known are perf.data (`perf record -b`), what `{_PRINTED_BY}` prints of it, "
    "the virtual LBR's counts, and tables that `pkgafdo branches read` wrote."
)


class Form(StrEnum):
    """A form of branch counts that another tool reads."""

    PROFGEN = "profgen"
    CREATE_LLVM_PROF = "create-llvm-prof"
    PROPELLER_PROTO = "propeller-proto"
    FDATA = "fdata"
    PREAGG = "preagg"


def read_vmlinux(path: Path) -> Vmlinux:
    """Return a vmlinux to read recordings with; ArtifactError when it is stripped or none."""
    elf.symbols(path)
    return Vmlinux(path=path, build_id=elf.build_id(path) or "")


def require_lines(vmlinux: Vmlinux) -> None:
    """Raise ArtifactError when a vmlinux has no line tables, without which profiles are empty."""
    if not elf.has_line_tables(vmlinux.path):
        raise ArtifactError(
            f"{vmlinux.path} has no line tables",
            hint="Use the vmlinux of the build, or of its -debug package "
            "(`pkgafdo vmlinux find`); the kernel needs CONFIG_DEBUG_INFO_DWARF5=y.",
        )


def is_recording(path: Path) -> bool:
    """Say whether a file begins like perf's recordings, those included that we cannot read."""
    return _head(path).startswith(_MAGICS)


def is_script_text(path: Path) -> bool:
    """Say whether a file begins like what perf script prints of branch stacks."""
    return _SCRIPT.search(_head(path)) is not None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""


def read_source(
    source: Path | BinaryIO, vmlinux: Vmlinux | None = None, *, filters: bool = True
) -> BranchTable:
    """Read one recording or table, recognised by its content.

    A stream is perf's, or text of perf script. With vmlinux, KASLR is undone. Raises ArtifactError
    for anything else.
    """
    from pkgafdo.perf.perfdata.recording import read_recording
    from pkgafdo.perf.relink import relinked
    from pkgafdo.perf.script_text import read_script_text

    text = elf.text_bounds(vmlinux.path) if vmlinux is not None else None
    if not isinstance(source, Path):
        start = source.read(PIPE_HEADER_SIZE)
        if start.startswith(_MAGICS):
            return read_recording(source, text=text, filters=filters, start=start)
        return read_script_text(_lines_of(source, start), text=text, filters=filters)
    if is_table(source):
        table = read_table(source)
        if not filters:
            log.warn(f"{source} is a table: what was left out of it when it was made stays out")
        return relinked(table, text) if text is not None else table
    if is_counts_file(source):
        link_base = text.text if text is not None else None
        meta = TableMeta(event="virtual-lbr", source="virtual LBR", link_base=link_base or 0)
        return read_counts(source, meta)
    if source.is_dir() or is_recording(source):
        return read_recording(source, text=text, filters=filters)
    if is_script_text(source):
        with source.open(encoding="utf-8", errors="replace") as lines:
            return read_script_text(lines, text=text, filters=filters)
    raise _no_recording(source)


def _lines_of(stream: BinaryIO, start: bytes) -> Iterator[str]:
    """Yield the lines of a stream whose first bytes were read; ArtifactError when it is no text of perf."""
    head = start + stream.read(_HEAD)
    if not _SCRIPT.search(head):
        raise ArtifactError(
            "What comes through the pipe is no recording" + ("" if head else ": it is empty"),
            hint=f"A pipe takes what `perf record -b -o -` or `{_PRINTED_BY}` "
            "writes; name other files.",
        )
    for line in chain((head + stream.readline()).split(b"\n"), stream):
        yield line.decode("utf-8", "replace")


def _no_recording(source: Path) -> ArtifactError:
    try:
        size = source.stat().st_size
    except OSError as error:
        return ArtifactError(
            f"{source} cannot be read: {error.strerror or error}",
            hint="Check the path and its permissions.",
        )
    return ArtifactError(
        f"{source} is no recording" + ("" if size else ": it is empty"), hint=_KINDS
    )


def read_sources(
    sources: Sequence[Path | BinaryIO],
    vmlinux: Vmlinux | None = None,
    *,
    filters: bool = True,
    allow_mismatch: bool = False,
    allow_failed: bool = False,
    judged_later: bool = False,
) -> BranchTable:
    """Read recordings and tables of one kernel and add them up.

    Raises ArtifactError when one is of another kernel than vmlinux (unless that is judged later), or
    than the first, and when its recorder marked one as not to be used.
    """
    tables = []
    for source in sources:
        table = read_source(source, vmlinux, filters=filters)
        if allow_failed:
            table = accept_faults(table)
        require_unmarked(table, str(source))
        if vmlinux is not None and not judged_later:
            require_same_kernel(table, vmlinux, allow_mismatch=allow_mismatch)
        tables.append(table)
    if len(tables) == 1:
        return tables[0]
    merged = merge_tables(tables, allow_mismatch=allow_mismatch)
    if vmlinux is None and len(kernels := build_ids(merged.meta)) > 1:
        log.warn(
            f"The recordings are of several kernels (build-ids {name_build_ids(kernels)}): their "
            "addresses do not fit together"
        )
    return merged


def describe_table(table: BranchTable) -> dict[str, Any]:
    """Return what a table holds, JSON-plain."""
    return meta_to_json(table.meta) | {
        "branches": table.branches,
        "mispredicted": table.mispredicted,
        "ranges": table.ranges,
        "distinct_branches": table.distinct_branches,
        "distinct_ranges": table.distinct_ranges,
    }


def render_table_info(info: dict[str, Any]) -> str:
    """Return what `describe_table` says, as text for a person."""
    dropped = ", ".join(f"{count:,} {reason}" for reason, count in info["dropped"].items())
    modules = ", ".join(module["name"] for module in info["modules"])
    kernels = name_build_ids(build_ids(TableMeta(build_id=info["build_id"], extra=info["extra"])))
    lines = [
        f"kernel     {info['kernelrelease'] or 'unknown'}, build-id {kernels}",
        f"event      {info['event'] or 'unknown'}, {_render_period(info['event'], info['period'])}",
        f"samples    {info['samples']:,} ({info['lost']:,} lost)",
        f"branches   {info['branches']:,}, {info['distinct_branches']:,} distinct",
        f"ranges     {info['ranges']:,}, {info['distinct_ranges']:,} distinct",
        f"dropped    {dropped or 'nothing'}",
        f"modules    {modules or 'none'}",
        f"source     {info['source'] or 'unknown'}, on {info['cpu'] or 'an unknown CPU'}",
    ]
    return "\n".join(lines)


def _render_period(event: str, period: int) -> str:
    if not period:
        return "period unknown"
    return f"every {period} branches" if counts_branches(event) else f"period {period}"


def export_table(table: BranchTable, vmlinux: Vmlinux, form: Form, output: Path) -> None:
    """Write a table in another tool's form, by rename, without ranges that no code can have executed."""
    table = drop_impossible_ranges(table, elf.symbols(vmlinux.path))
    if form is Form.PROPELLER_PROTO:
        with files.replacing(output) as temporary, temporary.open("wb") as stream:
            stream.writelines(branch_frequencies(table))
    else:
        texts.write_lines(output, _lines(table, vmlinux, form))


def _lines(table: BranchTable, vmlinux: Vmlinux, form: Form) -> Iterator[str]:
    match form:
        case Form.PROFGEN:
            return texts.unsymbolized_profile(table)
        case Form.CREATE_LLVM_PROF:
            return texts.create_llvm_prof_text(table, elf.segments(vmlinux.path))
        case Form.FDATA:
            return texts.bolt_fdata(table, elf.symbols(vmlinux.path))
        case _:
            return texts.bolt_preaggregated(table)
