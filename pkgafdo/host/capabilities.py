"""The capabilities of this process that let perf record the kernel without root."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_BITS: Final = {"syslog": 34, "perfmon": 38}
"""From the kernel's include/uapi/linux/capability.h: addresses of the kernel, and its events."""


def may_record(filesystem: Path = Path("/")) -> bool:
    """Tell whether this process, and what it starts, has CAP_PERFMON and CAP_SYSLOG for good."""
    path = filesystem / "proc/self/status"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    wanted = sum(1 << bit for bit in _BITS.values())
    return ambient(text) & wanted == wanted


def ambient(status: str) -> int:
    """Return the ambient set, which programs inherit, out of /proc/PID/status; pure."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "CapAmb":
            return int(value, 16)
    return 0
