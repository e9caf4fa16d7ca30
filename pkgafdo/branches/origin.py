"""Whether a table's records are of a kernel: by build-id, architecture, and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pkgafdo.branches.meta import TableMeta

RUNTIME_ADDRESSES: Final = "addresses"
"""Under extra: the mark of a table whose kernel was not moved to its link address."""
RUNTIME: Final = "runtime "
"""How that mark begins when it is known where the kernel lay; the symbol at link_base follows."""
UNKNOWN: Final = "unknown"
"""That mark when nobody knows where the kernel lay, or when it lay in several places."""
_OTHER_BUILD_IDS: Final = "other build-ids"
_AND: Final = " + "
_MACHINES: Final = ("x86_64", "aarch64", "riscv64")
"""Names of `uname -m` that `elf.machine` has too."""


def build_ids(meta: TableMeta) -> tuple[str, ...]:
    """Return the build-ids of all kernels whose records a table holds; empty for one untold."""
    others = meta.extra.get(_OTHER_BUILD_IDS, "")
    rest = ["" if one == UNKNOWN else one for one in others.split(_AND)] if others else []
    return meta.build_id, *rest


def name_build_ids(found: Iterable[str]) -> str:
    """Return build-ids as one text."""
    return _AND.join(one or UNKNOWN for one in found)


def merged_origin(metas: Iterable[TableMeta]) -> dict[str, str]:
    """Return what a merged table's extra says of the kernels it holds beside the first one's."""
    metas = list(metas)
    _, *others = dict.fromkeys(one for meta in metas for one in build_ids(meta))
    known = {_OTHER_BUILD_IDS: name_build_ids(others)} if others else {}
    places = {place_of(meta) for meta in metas}
    mark = UNKNOWN if len(places) > 1 else metas[0].extra.get(RUNTIME_ADDRESSES, "")
    return known | ({RUNTIME_ADDRESSES: mark} if mark else {})


def place_of(meta: TableMeta) -> str:
    """Return where a table's kernel is, in words."""
    mark = meta.extra.get(RUNTIME_ADDRESSES, "")
    if mark == UNKNOWN:
        return "addresses of an unknown place"
    symbol = mark.removeprefix(RUNTIME) or "_text"
    return f"{symbol} at {meta.link_base:#x}"


def foreign_build_ids(meta: TableMeta, build_id: str) -> tuple[str, ...]:
    """Return the build-ids of a table that are told and are not this one."""
    return tuple(one for one in build_ids(meta) if one and one != build_id)


def tells_build_id(meta: TableMeta) -> bool:
    """Say whether all that a table was made of told its build-id."""
    return all(build_ids(meta))


def require_machine(meta: TableMeta, vmlinux: Path) -> None:
    """Raise ArtifactError when a table was recorded on another architecture than vmlinux is for."""
    machine = elf.machine(vmlinux)
    foreign = [
        one for one in meta.extra.get("arch", "").split(_AND) if one in _MACHINES and one != machine
    ]
    if foreign:
        raise ArtifactError(
            f"The recording is of {foreign[0]}, so of another kernel than this vmlinux",
            details=f"{vmlinux} is for {machine}.",
            hint="Find the vmlinux of the recorded kernel on the machine that was recorded.",
        )


def require_link_addresses(meta: TableMeta, vmlinux: Path, *, allowed: bool = False) -> str:
    """Raise ArtifactError when a table's addresses are not those of vmlinux.

    Where that is allowed, returns the fault as a sentence instead; nothing when there is none.
    """
    mark = meta.extra.get(RUNTIME_ADDRESSES, "")
    linked = elf.text_bounds(vmlinux).text
    if mark == UNKNOWN:
        fault = "The recording does not say where the kernel lay, so its addresses mean nothing"
        hint = (
            "Record as root, with kernel.kptr_restrict at 1 or below; print text with "
            "`perf script --show-mmap-events`."
        )
    elif mark or (meta.link_base and linked is not None and meta.link_base != linked):
        fault = "The table has the addresses of a kernel that KASLR has moved"
        hint = "Read the recording again, with this version and --vmlinux."
    else:
        return ""
    if not allowed:
        details = f"{place_of(meta)} in the recording, _text at {linked or 0:#x} in {vmlinux}"
        raise ArtifactError(fault, details=details, hint=hint)
    return fault
