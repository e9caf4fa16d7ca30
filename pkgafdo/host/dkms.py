"""Modules from outside the kernel's tree, which a new kernel needs built anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_OUT_OF_TREE: Final = "O"
"""The taint flag of a module from outside the tree (Documentation/admin-guide/tainted-kernels.rst)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutOfTree:
    """Names: `dkms` of what DKMS will build for a new kernel, `loaded` of what is loaded now."""

    dkms: tuple[str, ...]
    loaded: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether there are such modules at all."""
        return bool(self.dkms or self.loaded)


def read_out_of_tree(filesystem: Path) -> OutOfTree:
    """Read which modules from outside the tree this machine uses."""
    tree = filesystem / "var/lib/dkms"
    dkms = {place.parts[-3] for place in tree.glob("*/*/source")}
    try:
        text = (filesystem / "proc/modules").read_text(encoding="utf-8")
    except OSError:
        text = ""
    return OutOfTree(dkms=tuple(sorted(dkms)), loaded=tainting(text))


def tainting(modules: str) -> tuple[str, ...]:
    """Return the loaded modules that come from outside the tree, out of /proc/modules; pure."""
    found = []
    for line in modules.splitlines():
        fields = line.split()
        # NAME SIZE USERS USED-BY STATE ADDRESS, and flags in parentheses only where there are some.
        if len(fields) > 6 and _OUT_OF_TREE in fields[6].strip("()"):
            found.append(fields[0])
    return tuple(sorted(found))
