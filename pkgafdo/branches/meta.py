"""What is known about a table of branch records besides the counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping


class DropReason(StrEnum):
    """Why records of a recording are not in the table."""

    BOGUS_RANGE = "bogus-range"
    CROSS_FUNCTION = "cross-function"
    WRONG_PATH = "wrong-path"
    OUTSIDE_TEXT = "outside-text"
    USER = "user"
    GUEST = "guest"
    NO_MODULE = "no-module"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleMapping:
    """Where a kernel module was loaded while the recording was made.

    sections pairs section names with their load addresses; size is the length in bytes of the area
    that begins at the module's text (what /proc/modules or its mapping says).
    """

    name: str
    sections: tuple[tuple[str, int], ...]
    size: int

    def __post_init__(self) -> None:
        if not self.sections:
            raise ValueError(f"module {self.name} has no sections")

    @property
    def base(self) -> int:
        """The load address of .text, or of the lowest section when there is no .text."""
        return dict(self.sections).get(".text", min(address for _, address in self.sections))


@dataclass(frozen=True, kw_only=True, slots=True)
class TableMeta:
    """Where a table comes from and what its numbers mean.

    build_id is the kernel's GNU build-id in hex, or empty. link_base is the address of `_text` that
    the kernel's addresses are relative to: they are link addresses. period is how much of the event
    lies between samples (1: exact, every branch was counted; 0: unknown or several). lost
    counts samples that the recorder says it lost, dropped the records (branches and ranges) that
    were left out, by reason. extra holds further provenance, such as the workload.
    """

    build_id: str = ""
    kernelrelease: str = ""
    link_base: int = 0
    event: str = ""
    period: int = 1
    samples: int = 0
    lost: int = 0
    source: str = ""
    cpu: str = ""
    dropped: Mapping[DropReason, int] = field(default_factory=dict)
    modules: tuple[ModuleMapping, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def lost_share(self) -> float:
        """What part of the samples was lost."""
        return self.lost / (self.lost + self.samples) if self.lost else 0.0


def add_dropped(
    old: Mapping[DropReason, int], more: Mapping[DropReason, int]
) -> dict[DropReason, int]:
    """Return the sum of two counts of dropped records, without zeros, in the reasons' order."""
    total = {reason: old.get(reason, 0) + more.get(reason, 0) for reason in DropReason}
    return {reason: count for reason, count in total.items() if count}


def meta_to_json(meta: TableMeta) -> dict[str, object]:
    """Return the metadata as JSON-plain values."""
    return {
        "build_id": meta.build_id,
        "kernelrelease": meta.kernelrelease,
        "link_base": meta.link_base,
        "event": meta.event,
        "period": meta.period,
        "samples": meta.samples,
        "lost": meta.lost,
        "source": meta.source,
        "cpu": meta.cpu,
        "dropped": {str(reason): count for reason, count in meta.dropped.items()},
        "modules": [
            {"name": m.name, "size": m.size, "sections": [list(pair) for pair in m.sections]}
            for m in meta.modules
        ],
        "extra": dict(meta.extra),
    }


def meta_from_json(value: object) -> TableMeta:
    """Return the metadata from what `meta_to_json` made; ArtifactError when it is anything else."""
    try:
        return _meta_from_plain(value)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ArtifactError(
            "The branch table's metadata cannot be understood",
            details=f"{type(error).__name__}: {error}",
            hint="Read the recording again with this version of pkgafdo.",
        ) from error


def _meta_from_plain(plain: object) -> TableMeta:
    if not isinstance(plain, dict):
        raise TypeError("the metadata is not a JSON object")
    return TableMeta(
        build_id=_text(plain["build_id"]),
        kernelrelease=_text(plain["kernelrelease"]),
        link_base=_count(plain["link_base"]),
        event=_text(plain["event"]),
        period=_count(plain["period"]),
        samples=_count(plain["samples"]),
        lost=_count(plain["lost"]),
        source=_text(plain["source"]),
        cpu=_text(plain["cpu"]),
        dropped={DropReason(name): _count(count) for name, count in plain["dropped"].items()},
        modules=tuple(_module(entry) for entry in plain["modules"]),
        extra={_text(name): _text(text) for name, text in plain["extra"].items()},
    )


def _module(entry: dict[str, object]) -> ModuleMapping:
    sections = entry["sections"]
    if not isinstance(sections, list):
        raise TypeError("a module's sections are not a list")
    return ModuleMapping(
        name=_text(entry["name"]),
        size=_count(entry["size"]),
        sections=tuple((_text(name), _count(address)) for name, address in sections),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is not a count")
    return value
