"""Measuring the running kernel: programs that are absent, that fail, and boots in their turn."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo import log
from pkgafdo.errors import ArtifactError, ConfigError, HostError, WaitingError
from pkgafdo.host.bench_environment import read_boot
from pkgafdo.measure.benches import choose, own_bench
from pkgafdo.measure.plan import interleaved, write_plan
from pkgafdo.measure.records import Record, read_record, write_record
from pkgafdo.runner.command import Result
from pkgafdo.workflows.host_measures import (
    Order,
    Task,
    import_logs,
    measure_host,
    record_path,
    require_programs,
    run_rounds,
    take_turn,
)
from tests.fakes.runner import FakeRunner
from tests.unit.measure.records import boot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.runner.command import Command

HACKBENCH = Result(returncode=0, stdout="Time: 0.5\n")
PIPES = ("hackbench-sockets", "hackbench-pipes")


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def tasks(*names: str, runs: int) -> tuple[Task, ...]:
    return tuple(Task(bench=bench, runs=runs) for bench in choose(names))


def test_each_benchmark_runs_so_often_round_by_round() -> None:
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    rounds = list(run_rounds(runner, tasks(*PIPES, runs=3), Path("/f")))
    for number, found in enumerate(rounds, 1):
        assert {name: series.values for name, series in found.items()} == dict.fromkeys(
            PIPES, (0.5,) * number
        )
    assert ["-T" in command.argv for command in runner.ran] == [False, True] * 3


def test_a_benchmark_that_fails_is_left_out_and_the_others_go_on(
    said: io.StringIO,
) -> None:
    runner = FakeRunner(
        answers={"-T": Result(returncode=1, stderr="no threads"), "hackbench": HACKBENCH}
    )
    *_, found = run_rounds(runner, tasks(*PIPES, runs=2), Path("/f"))
    assert list(found) == ["hackbench-sockets"]
    assert len(runner.ran) == 3
    assert "hackbench-pipes is left out" in said.getvalue()
    with pytest.raises(ArtifactError, match="no benchmark gave a number"):
        list(run_rounds(runner, tasks(PIPES[1], runs=2), Path("/f")))


def failing(after: int, *, only: str = "hackbench") -> FakeRunner:
    """Return a runner whose benchmark fails after so many runs; `only` is a word of its command."""

    def answer(command: Command) -> Result:
        runs = sum(ran.argv == command.argv for ran in runner.ran)
        return Result(returncode=1) if runs > after else HACKBENCH

    runner = FakeRunner(answers={only: answer})
    runner.answers.setdefault("hackbench", HACKBENCH)
    return runner


def test_a_benchmark_that_fails_in_a_later_round_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(ArtifactError, match="no benchmark gave a number"):
        measure_host(failing(1), Order(benches=PIPES[:1], repeats=2), path)
    assert not path.exists()


def test_what_fails_when_a_boot_goes_on_is_dropped_and_the_turn_is_over(tmp_path: Path) -> None:
    plan, running = tmp_path / "plan.json", read_boot()[1]
    write_plan(plan, (running, "other"))
    order = Order(benches=PIPES, repeats=2, folder=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        take_turn(interrupted(2), order, plan)
    assert take_turn(failing(0, only="-T"), order, plan)["next"] == "other"
    (kept,) = read_record(record_path(tmp_path, running)).boots
    assert {name: one.values for name, one in kept.series.items()} == {PIPES[0]: (0.5, 0.5)}
    with pytest.raises(WaitingError, match="turn of other"):
        take_turn(FakeRunner(), order, plan)


def test_a_boot_of_which_nothing_is_left_leaves_the_other_boots(tmp_path: Path) -> None:
    path, before = tmp_path / "r.json", boot(1, read_boot()[1], {PIPES[0]: (1.0,)})
    work = measure_host(
        FakeRunner(answers={"hackbench": HACKBENCH}), Order(benches=PIPES[:1]), path
    )
    known = replace(before, series={PIPES[0]: work.boots[0].series[PIPES[0]]})
    write_record(path, Record(pkgafdo="0", boots=(known,)))
    with pytest.raises(ArtifactError, match="no benchmark gave a number"):
        measure_host(failing(1), Order(benches=PIPES[:1], repeats=2), path)
    assert read_record(path).boots == (known,)


def test_whole_runs_stay_when_further_ones_fail(tmp_path: Path) -> None:
    path, order = tmp_path / "r.json", Order(benches=PIPES[:1], repeats=2)
    measure_host(FakeRunner(answers={"hackbench": HACKBENCH}), order, path)
    before = read_record(path)
    with pytest.raises(ArtifactError, match="no benchmark gave a number"):
        measure_host(failing(1), order, path)
    assert read_record(path) == before


def interrupted(after: int) -> FakeRunner:
    """Return a runner that is interrupted after so many runs."""

    def answer(command: Command) -> Result:
        if len(runner.ran) > after:
            raise KeyboardInterrupt
        return HACKBENCH

    runner = FakeRunner(answers={"hackbench": answer})
    return runner


def test_an_interrupted_boot_keeps_its_rounds_and_the_same_command_goes_on(tmp_path: Path) -> None:
    order, path = Order(benches=PIPES, repeats=3, folder=tmp_path), tmp_path / "r.json"
    with pytest.raises(KeyboardInterrupt):
        measure_host(interrupted(3), order, path)
    (kept,) = read_record(path).boots
    assert [series.values for series in kept.series.values()] == [(0.5,), (0.5,)]
    assert kept.interrupted
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    (whole,) = measure_host(runner, order, path).boots
    assert len(runner.ran) == 4
    assert [series.values for series in whole.series.values()] == [(0.5,) * 3] * 2
    assert not whole.interrupted
    assert read_record(path).boots == (whole,)


def test_only_what_an_interrupted_boot_lacks_is_run(tmp_path: Path) -> None:
    path, runner = tmp_path / "r.json", FakeRunner(answers={"hackbench": HACKBENCH})
    measure_host(runner, Order(benches=PIPES[:1], repeats=1), path)
    with pytest.raises(KeyboardInterrupt):
        measure_host(interrupted(1), Order(benches=PIPES[1:], repeats=2), path)
    (boot,) = measure_host(runner, Order(benches=PIPES, repeats=2), path).boots
    assert [len(boot.series[name].values) for name in PIPES] == [1, 2]


def test_an_interrupted_turn_goes_on_before_the_next_kernel(tmp_path: Path) -> None:
    plan, running = tmp_path / "plan.json", read_boot()[1]
    write_plan(plan, (running, "other"))
    order = Order(benches=PIPES, repeats=2, folder=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        take_turn(interrupted(2), order, plan)
    runner = FakeRunner(answers={"hackbench": HACKBENCH})
    assert take_turn(runner, order, plan)["next"] == "other"
    assert len(runner.ran) == 2
    with pytest.raises(WaitingError, match="turn of other"):
        take_turn(runner, order, plan)


def test_a_boot_that_was_asked_for_less_is_no_turn(tmp_path: Path) -> None:
    plan, running = tmp_path / "plan.json", read_boot()[1]
    write_plan(plan, (running,))
    runner = FakeRunner(answers={"hackbench": HACKBENCH, "true": Result(returncode=0, seconds=1.0)})
    measure_host(runner, Order(command="true", repeats=1), record_path(tmp_path, running))
    state = take_turn(runner, Order(benches=PIPES, repeats=1), plan)
    assert state["done"] == {running: 1}
    (boot,) = read_record(record_path(tmp_path, running)).boots
    assert set(boot.series) == {"own", *PIPES}


def test_an_own_program_that_is_absent_is_named_alone() -> None:
    with pytest.raises(HostError, match=r"^nosuchprog is not installed$"):
        require_programs(FakeRunner(missing={"nosuchprog"}), (own_bench("nosuchprog -x"),))


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
