"""How much memory a run needs at its peak, known before it begins."""

from __future__ import annotations

from typing import Final

_GIB: Final = 1 << 30

PEAK: Final = {
    # measured: 0.7 GiB resident at the link, two jobs (Linux 7.3.4, clang 19, ThinLTO); with room
    "small": 2 * _GIB,
    # estimated: the ThinLTO link of an x86-64 defconfig with line tables
    "defconfig": 4 * _GIB,
    # estimated: the ThinLTO link of a distribution's vmlinux with full debug information, and
    # pahole over it; llvm-profgen over the same vmlinux takes less
    "distribution": 12 * _GIB,
}
"""Bytes at the peak, which is the link of vmlinux, by kind of configuration."""
_JOB: Final = _GIB // 4
"""Bytes of one clang beside it; reported: up to 250 MiB for the largest files."""


def estimate_memory(base: str, *, jobs: int) -> int:
    """Return the bytes that building a configuration with so many jobs needs at its peak."""
    kind = base if base in {"small", "defconfig"} else "distribution"
    return max(PEAK[kind], jobs * _JOB)
