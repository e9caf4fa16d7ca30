"""The lines of the page about memory and disk, against what the configured run will need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.host.doctor import Finding, Level
from pkgafdo.host.resources import GIB

if TYPE_CHECKING:
    from pkgafdo.host.resources import Room

_TOPIC = "configured run"


def disk_finding(room: Room) -> Finding:
    """Say whether a file system is large enough; what is held already counts."""
    purpose = ", ".join(need.what for need in room.needs)
    text = (
        f"{room.free / GIB:.1f} GiB free for {room.places}, "
        f"{room.needed / GIB:.1f} needed for {purpose}"
    )
    if room.suffices:
        return Finding(topic=_TOPIC, name="disk", level=Level.FINE, text=text)
    return Finding(
        topic=_TOPIC,
        name="disk",
        level=Level.MISSING,
        text=text,
        hint="Make room there, choose another disk (--workdir), or build fewer modules "
        "(kernel.localmodconfig with the list of modprobed-db). If one build is known to take "
        "less, say so in build.disk_gib.",
    )


def memory_finding(*, available: int, total: int, needed: int, purpose: str) -> Finding:
    """Say whether memory suffices; with less than half of the estimate it is hopeless."""
    text = f"{available / GIB:.1f} of {total / GIB:.1f} GiB, about {needed / GIB:.0f} for {purpose}"
    if available >= needed:
        return Finding(topic=_TOPIC, name="memory", level=Level.FINE, text=text)
    return Finding(
        topic=_TOPIC,
        name="memory",
        level=Level.NOTE if total * 2 >= needed else Level.MISSING,
        text=text,
        hint="Close what uses it, add swap, or lower build.jobs; a smaller kernel.base needs less.",
    )
