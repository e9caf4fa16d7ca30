"""Where the running kernel lies, as far as this user may know."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_WANTED: Final = ("_text", "_stext")
"""Best first: perf, too, relates addresses to the first of these that there is."""


def kernel_address(filesystem: Path = Path("/")) -> tuple[str, int] | None:
    """Return a symbol at the kernel's beginning and its address; None when it is hidden from us."""
    path = filesystem / "proc/kallsyms"
    if not path.is_file():
        return None
    found: dict[str, int] = {}
    with path.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            address, _, name = line.split(maxsplit=2)
            if name.rstrip() in _WANTED:
                found[name.rstrip()] = int(address, 16)
            if len(found) == len(_WANTED):
                break
    return next(((name, found[name]) for name in _WANTED if found.get(name)), None)
