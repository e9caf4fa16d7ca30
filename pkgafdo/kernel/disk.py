"""How much disk two builds need, known before the first begins."""

from __future__ import annotations

from typing import Final

_MIB: Final = 1 << 20
_GIB: Final = 1 << 30

OBJECTS: Final = {
    # measured: Linux 7.2.13, clang 19, ThinLTO, built-in small configuration: 352 MiB (du)
    "small": 400 * _MIB,
    # estimated: x86-64 defconfig with -gmlt; about ten times the small configuration's objects
    "defconfig": 4 * _GIB,
    # reported: a distribution's configuration with ThinLTO and line tables takes 20 GB and more
    "distribution": 25 * _GIB,
    # estimated: a distribution's configuration cut down to one machine's modules
    "localmodconfig": 6 * _GIB,
}
"""Bytes of one object folder, by kind of configuration."""
_PACKAGES: Final = 0.4
"""Packages, makepkg's copy of them and the private root, as a share of the objects.

measured: 28 MiB of packages, which unpacked are 110 MiB, for the small configuration
"""


def estimate_disk(base: str, *, localmodconfig: bool = False, builds: int = 2) -> int:
    """Return the bytes that builds of a configuration need, without the source."""
    kind = base if base in {"small", "defconfig"} else "distribution"
    if localmodconfig and kind == "distribution":
        kind = "localmodconfig"
    return int(builds * OBJECTS[kind] * (1 + _PACKAGES))
