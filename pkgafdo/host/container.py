"""What runs this system: bare metal, a virtual machine, a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MARKS: Final = (
    (".dockerenv", "Docker"),
    ("run/.containerenv", "Podman"),
    ("run/systemd/container", ""),
)
"""Files that container managers leave (systemd.io/CONTAINER_INTERFACE); an empty name is in the file."""


def container_name(filesystem: Path) -> str:
    """Return what holds this container; empty outside of one."""
    for place, name in _MARKS:
        path = filesystem / place
        if path.is_file():
            return name or path.read_text(encoding="utf-8", errors="replace").strip()
    return ""
