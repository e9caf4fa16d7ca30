"""Measuring the running kernel: programs that are absent, that fail, and boots in their turn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo import log
from pkgafdo.errors import ConfigError, HostError, WaitingError
from pkgafdo.host.bench_environment import read_boot
from pkgafdo.measure.benches import choose
from pkgafdo.measure.plan import interleaved, write_plan
from pkgafdo.measure.records import Record, read_record, write_record
from pkgafdo.runner.command import Result
from pkgafdo.workflows.host_measures import (
    Order,
    import_logs,
    measure_host,
    record_path,
    require_programs,
    run_benches,
    take_turn,
)
from tests.fakes.runner import FakeRunner
from tests.unit.measure.records import boot

if TYPE_CHECKING:
    from collections.abc import Iterator

HACKBENCH = Result(returncode=0, stdout="Time: 0.5\n")
PIPES = ("hackbench-sockets", "hackbench-pipes")


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def test_each_benchmark_runs_so_often_round_by_round() -> None:
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    found = run_benches(runner, choose(PIPES), Path("/f"), 3)
    assert {name: series.values for name, series in found.items()} == dict.fromkeys(
        PIPES, (0.5,) * 3
    )
    assert ["-T" in command.argv for command in runner.ran] == [False, True] * 3


def test_a_benchmark_that_fails_is_left_out_and_the_others_go_on(
    said: io.StringIO,
) -> None:
    runner = FakeRunner(
        answers={"-T": Result(returncode=1, stderr="no threads"), "hackbench": HACKBENCH}
    )
    found = run_benches(runner, choose(PIPES), Path("/f"), 2)
    assert list(found) == ["hackbench-sockets"]
    assert len(runner.ran) == 3
    assert "hackbench-pipes is left out" in said.getvalue()


def test_absent_programs_are_named_with_their_packages(said: io.StringIO) -> None:
    runner = FakeRunner(missing={"fio", "dbench"})
    found = require_programs(runner, choose([*PIPES, "fio-read", "dbench"]))
    assert [bench.name for bench in found] == list(PIPES)
    assert "fio is not installed (fio), so fio-read is left out" in said.getvalue()
    with pytest.raises(HostError, match="none of the benchmarks"):
        require_programs(runner, choose(["fio-read", "dbench"]))


def test_a_boot_is_kept_and_more_repeats_join_it(tmp_path: Path) -> None:
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    order = Order(benches=PIPES[:1], repeats=2, folder=tmp_path)
    for repeats in (2, 4):
        record = measure_host(runner, order, tmp_path / "r.json")
        assert len(record.boots) == 1
        assert len(record.boots[0].series[PIPES[0]].values) == repeats
    assert read_record(tmp_path / "r.json") == record


def test_a_file_of_another_kernel_is_refused_before_anything_runs(tmp_path: Path) -> None:
    write_record(tmp_path / "r.json", Record(pkgafdo="0", boots=(boot(1, "other", {"x": (1.0,)}),)))
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    with pytest.raises(ConfigError, match="holds boots of other"):
        measure_host(runner, Order(benches=PIPES[:1]), tmp_path / "r.json")
    assert runner.ran == []


def test_another_own_command_is_refused_before_it_runs(tmp_path: Path) -> None:
    runner = FakeRunner(answers={"true": Result(returncode=0, seconds=1.0)})
    measure_host(runner, Order(command="true 1", repeats=1), tmp_path / "own.json")
    with pytest.raises(ConfigError, match="another “own”"):
        measure_host(runner, Order(command="true 2", repeats=1), tmp_path / "own.json")
    assert [command.argv for command in runner.ran] == [("true", "1")]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    order = Order(command="true", repeats=1, folder=tmp_path / "absent")
    with pytest.raises(ConfigError, match="cannot write into"):
        measure_host(FakeRunner(), order, tmp_path / "own.json")


def test_a_plan_measures_only_the_kernel_whose_turn_it_is(tmp_path: Path) -> None:
    plan, running = tmp_path / "plan.json", read_boot()[1]
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    order = Order(benches=PIPES[:1], repeats=1, folder=tmp_path)
    write_plan(plan, interleaved("other", running, 1))
    with pytest.raises(WaitingError, match="turn of other"):
        take_turn(runner, order, plan)
    assert runner.ran == []
    write_record(
        record_path(tmp_path, "other"),
        Record(pkgafdo="0", boots=(boot(1, "other", {"x": (1.0,)}),)),
    )
    state = take_turn(runner, order, plan)
    assert state["done"] == {"other": 1, running: 1}
    assert state["next"] is None


def test_one_boot_is_not_measured_twice_for_a_plan(tmp_path: Path) -> None:
    plan, running = tmp_path / "plan.json", read_boot()[1]
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    order = Order(benches=PIPES[:1], repeats=1, folder=tmp_path)
    write_plan(plan, (running, running))
    take_turn(runner, order, plan)
    with pytest.raises(WaitingError) as caught:
        take_turn(runner, order, plan)
    assert "was measured in this boot" in caught.value.details


def test_logs_are_taken_over_once_each(tmp_path: Path) -> None:
    logs = [tmp_path / f"benchie_{n}.log" for n in range(3)]
    for number, path in enumerate(logs):
        path.write_text(f"xz compression: {number % 2 + 1}\n")
    for _ in range(2):
        record = import_logs(logs, kernel="6.18", output=tmp_path / "r.json")
        values = [one.series["xz compression"].values for one in record.boots]
        assert values == [(1.0,), (2.0,)]
    with pytest.raises(ConfigError, match="whose measurements"):
        import_logs(logs, kernel="", output=tmp_path / "r.json")
