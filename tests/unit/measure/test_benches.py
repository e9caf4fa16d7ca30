"""What benchmarks run, and where their numbers stand in real outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.measure.benches import BENCHES, bench_command, choose, own_bench, value_of
from pkgafdo.runner.command import Result

PERF = """\
# Running 'sched/pipe' benchmark:
# Executed 2000 pipe operations between two processes

     Total time: 0.387 [sec]

     193.691500 usecs/op
           5162 ops/sec
"""
EPOLL = "\nAveraged 15857 operations/sec (+- 0.00%), total secs = 1\n"
HACKBENCH = "Each sender will pass 10 messages of 100 bytes\nTime: 0.029\n"
STRESS = """\
stress-ng: metrc: [24921] stressor       bogo ops real time  usr time  sys time   bogo ops/s
stress-ng: metrc: [24921]                           (secs)    (secs)    (secs)   (real time)
stress-ng: metrc: [24921] fork                100      4.34      0.06      0.02        23.06
"""
FIO = 'note: both iodepth >= 1\n{"jobs": [{"read": {"runtime": 812, "iops": 3.0}}]}'
DBENCH = "Throughput 1234.56 MB/sec  4 clients  4 procs  max_latency=1.2 ms\n"
NETPERF = "16384  131072 1        1       10.00    23456.78   \n16384  131072\n"


@pytest.mark.parametrize(
    ("name", "out", "err", "value"),
    [
        ("perf-pipe", PERF, "", 0.387),
        ("perf-epoll", EPOLL, "", 15857),
        ("hackbench-pipes", HACKBENCH, "", 0.029),
        ("stress-fork", "", STRESS, 4.34),
        ("fio-read", FIO, "", 812),
        ("dbench", DBENCH, "", 1234.56),
        ("netperf-rr", NETPERF, "", 23456.78),
    ],
)
def test_the_number_is_found_in_what_the_program_prints(
    name: str, out: str, err: str, value: float
) -> None:
    (bench,) = choose([name])
    assert value_of(bench, Result(returncode=0, stdout=out, stderr=err)) == value


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_an_output_without_a_number_is_refused(bench) -> None:
    with pytest.raises(ArtifactError, match=bench.name):
        value_of(bench, Result(returncode=0, stdout="usage: …\n{}"))


def test_no_time_at_all_is_refused() -> None:
    (bench,) = choose(["hackbench-sockets"])
    with pytest.raises(ArtifactError, match=r"gave 0\.0 s"):
        value_of(bench, Result(returncode=0, stdout="Time: 0.000\n"))


def test_own_commands_are_timed_as_a_whole() -> None:
    bench = own_bench("make -j4 'all of it'")
    assert bench_command(bench, Path("/f")).argv == ("make", "-j4", "all of it")
    assert value_of(bench, Result(returncode=0, seconds=1.5)) == 1.5
    for wrong in ("", "   ", "'open"):
        with pytest.raises(ConfigError):
            own_bench(wrong)


def test_files_go_into_the_folder_that_is_measured() -> None:
    for bench in BENCHES:
        command = bench_command(bench, Path("/scratch"))
        assert command.cwd == Path("/scratch")
        assert not any("{" in word for word in command.argv)


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        choose(["perf-pipe", "geekbench"])
    assert "hackbench-sockets" in caught.value.hint
    assert choose([]) == BENCHES


def test_names_are_unique_and_every_program_has_its_package() -> None:
    assert len({bench.name for bench in BENCHES}) == len(BENCHES)
    assert all(bench.packages for bench in BENCHES)
