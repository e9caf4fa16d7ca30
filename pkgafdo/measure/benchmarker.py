"""Reading logs of cachyos-benchmarker (benchie_*.log): a line for each benchmark, one run.

After its benchmarks a log has their sum, a score, the date, what inxi tells of the machine and its
own version. Names and units: github.com/CachyOS/cachyos-benchmarker, cachyos-benchmarker (TNAMES)
and benchmark_scraper.py at 02c56089da9c, and mini-benchmarker.sh for the older names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import ArtifactError
from pkgafdo.measure.records import Boot, Series

if TYPE_CHECKING:
    from pathlib import Path

COMMAND: Final = "cachyos-benchmarker"
_LINE: Final = re.compile(r"(?P<name>[^:]+): (?P<value>\d+(?:\.\d+)?)\s*")
_SECONDS: Final = (
    "stress-ng cpu-cache-mem",
    "y-cruncher pi 1b",
    "y-cruncher pi 500m",
    "perf sched msg fork thread",
    "perf sched msg pipe proc",
    "perf memcpy",
    "namd 92K atoms",
    "calculating prime numbers",
    "argon2 hashing",
    "ffmpeg compilation",
    "xz compression",
    "zstd compression",
    "kernel defconfig",
    "blender render",
    "c-ray render",
    "x265 encoding",
)
_LATENCIES: Final = ("schbench p99 latency", "cyclictest max latency")
_UNITS: Final = {
    **dict.fromkeys(_SECONDS, ("s", True)),
    **dict.fromkeys(_LATENCIES, ("µs", True)),
    **dict.fromkeys((f"{name} (us)" for name in _LATENCIES), ("µs", True)),
    "schbench avg rps": ("requests/s", False),
}
"""Benchmark → its unit, and whether less is better."""
_SKIPPED: Final = 0.01
"""What stands in a log for a benchmark that was left out."""


def parse_log(text: str) -> dict[str, Series]:
    """Parse the benchmarks of a log; its sum and score, and what else it tells, are none."""
    found = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match and match["name"] in _UNITS and float(match["value"]) > _SKIPPED:
            unit, lower = _UNITS[match["name"]]
            values = (float(match["value"]),)
            found[match["name"]] = Series(unit=unit, lower=lower, command=COMMAND, values=values)
    return found


def read_log(path: Path, *, kernel: str) -> Boot:
    """Return a log as one boot: it holds one run, whatever boot that was.

    The boot's id is made of the content, so that a copy is the same run. Raises ArtifactError when
    it cannot be read or has no benchmark.
    """
    try:
        series = parse_log(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read", details=str(error), hint="Check the path."
        ) from error
    if not series:
        raise ArtifactError(
            f"{path} has no benchmark of cachyos-benchmarker",
            hint="Give its benchie_*.log files.",
        )
    return Boot(
        boot_id=f"log {files.sha256_file(path)[:12]}",
        started="",
        kernel=kernel,
        environment={},
        series=series,
    )
