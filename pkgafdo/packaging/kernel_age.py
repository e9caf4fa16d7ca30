"""Which kernels know AutoFDO."""

from __future__ import annotations

import re
from typing import Final

_FIRST: Final = (6, 13)
"""The release that brought CONFIG_AUTOFDO_CLANG and CONFIG_PROPELLER_CLANG (init/Kconfig)."""
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")


def why_too_old(version: str) -> str:
    """Return a sentence when a kernel has AutoFDO at most from a backport; empty otherwise."""
    match = _VERSION.match(version)
    if match is None or (int(match[1]), int(match[2])) >= _FIRST:
        return ""
    return (
        f"Linux {version} is older than 6.13, which brought AutoFDO: "
        "without a backport (CachyOS has one for 6.12) Kconfig drops it, and the build stops"
    )
