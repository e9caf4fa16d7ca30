"""Logs of cachyos-benchmarker: what in them is a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.measure.benchmarker import parse_log, read_log
from pkgafdo.measure.records import Record
from pkgafdo.measure.sides import compare_records

if TYPE_CHECKING:
    from pathlib import Path

LOG = """\
stress-ng cpu-cache-mem: 13.37
y-cruncher pi 1b: 0.01
perf sched msg fork thread: 6.203
kernel defconfig: FAILED (Scheduler crashed)
schbench p99 latency (us): 812.00

Total time (s): 203.01
Total score: 70.2
geekbench status: uploaded
schbench avg rps: 4011.20

Name: mine
Date: 2026-07-07-1934

System:
  Kernel: 6.18.1-cachyos arch: x86_64 bits: 64
CPU:
  Info: 8-core model: AMD Ryzen 7 bits: 64 type: MT MCP cache: L2: 8 MiB
  CPU cores: 16
  xz compression: 16

SCX Scheduler: none

SCX Version: 1

 Version         : 4.0-1
"""


def test_only_benchmarks_are_read_each_in_its_unit() -> None:
    found = parse_log(LOG)
    assert {name: (s.values, s.unit, s.lower) for name, s in found.items()} == {
        "stress-ng cpu-cache-mem": ((13.37,), "s", True),
        "perf sched msg fork thread": ((6.203,), "s", True),
        "schbench p99 latency (us)": ((812.0,), "µs", True),
        "schbench avg rps": ((4011.2,), "requests/s", False),
    }


def test_what_has_no_benchmark_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "benchie_x.log"
    path.write_text("Total time (s): 203.01\nCPU cores: 16\n")
    with pytest.raises(ArtifactError, match="has no benchmark"):
        read_log(path, kernel="6.18")
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_log(tmp_path / "absent", kernel="6.18")


def test_a_copy_is_the_same_run(tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text(LOG)
    one, other = (read_log(tmp_path / name, kernel="6.18") for name in ("a.log", "b.log"))
    assert one == other


def test_a_comparison_says_that_logs_do_not_tell_boots(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(LOG)
    sides = [
        Record(pkgafdo="0", boots=(read_log(tmp_path / "a.log", kernel=kernel),))
        for kernel in ("6.17", "6.18")
    ]
    assert any("do not tell boots" in note for note in compare_records(*sides)["notes"])
