"""Machine measurements on disk, imported, and side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.measure.plan import interleaved, next_kernel, read_plan, write_plan
from pkgafdo.measure.records import (
    Record,
    add_boot,
    read_record,
    write_record,
)
from pkgafdo.measure.sides import compare_records, render_comparison
from tests.unit.measure.records import boot, record

if TYPE_CHECKING:
    from pathlib import Path


def test_a_record_on_disk_is_the_record(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_record(path, record("6.18"))
    assert read_record(path) == record("6.18")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "else"}, "not a measurement"),
        ({"format": 2}, "format 2"),
        ({"boots": [{}]}, "damaged or partial"),
        ({"boots": None}, "damaged or partial"),
    ],
)
def test_what_is_no_whole_record_is_refused(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / "a.json"
    write_record(path, record("6.18"))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ArtifactError, match=words):
        read_record(path)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ArtifactError, match="not a measurement"):
        read_record(tmp_path / "a.json")
    with pytest.raises(ArtifactError, match="not a measurement"):
        read_record(tmp_path / "absent.json")


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_values_that_no_clock_gives_are_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.json"
    write_record(path, Record(pkgafdo="0", boots=(boot(1, "k", {"pipe": (value,)}),)))
    with pytest.raises(ArtifactError, match="damaged"):
        read_record(path)


def test_a_benchmark_without_values_and_a_boot_twice_are_damage(tmp_path: Path) -> None:
    path, one = tmp_path / "a.json", boot(1, "k", {"pipe": (1.0,)})
    for boots, words in (
        ((boot(1, "k", {"pipe": ()}),), "no value"),
        ((one, one), "in it twice"),
    ):
        write_record(path, Record(pkgafdo="0", boots=boots))
        with pytest.raises(ArtifactError, match="damaged") as caught:
            read_record(path)
        assert words in caught.value.details


def test_repeats_of_one_boot_are_one_boot() -> None:
    once = add_boot(Record(pkgafdo="0"), boot(1, "k", {"pipe": (1.0,)}))
    twice = add_boot(once, boot(1, "k", {"pipe": (3.0,), "fork": (5.0,)}))
    assert len(twice.boots) == 1
    assert twice.samples()["pipe"].boots == (2.0,)
    assert twice.samples()["fork"].boots == (5.0,)


def test_another_kernel_does_not_go_into_the_file() -> None:
    with pytest.raises(ConfigError, match=r"holds boots of 6\.17"):
        add_boot(record("6.17"), boot(9, "6.18", {"pipe": (1.0,)}))


def test_a_faster_kernel_is_called_better() -> None:
    data = compare_records(record("6.17"), record("6.18-x", level=9.0))
    assert [row["verdict"] for row in data["benchmarks"]] == ["better", "better"]
    assert data["benchmarks"][0]["ratio"] == pytest.approx(0.9, rel=0.01)
    assert data["notes"] == []
    assert json.loads(json.dumps(data)) == data


def test_few_boots_have_no_verdict_and_say_so() -> None:
    assert render_comparison(compare_records(record("6.17", 1), record("6.18-x", 1)))
    data = compare_records(record("6.17", 3), record("6.18-x", 9, level=5.0))
    assert {row["verdict"] for row in data["benchmarks"]} == {"too few boots for a verdict"}
    assert any("Below 5 boots" in note for note in data["notes"])


def test_the_same_kernel_twice_is_a_look_at_the_noise() -> None:
    data = compare_records(record("6.17"), record("6.17"))
    assert any("A/A" in note for note in data["notes"])
    assert {row["verdict"] for row in data["benchmarks"]} == {"no difference found"}


def test_other_machines_are_refused_or_named() -> None:
    one, other = record("6.17"), record("6.18-x", cpu="Core i9")
    with pytest.raises(ArtifactError, match="different machines") as caught:
        compare_records(one, other)
    assert "Ryzen 9 → Core i9" in caught.value.details
    assert "cpu: Ryzen 9 → Core i9" in compare_records(one, other, anyway=True)["differences"]


@pytest.mark.parametrize("memory", ["16333768 kB", "16100000 kB"])
def test_memory_that_the_kernels_image_takes_is_no_other_machine(memory: str) -> None:
    data = compare_records(record("6.17", memory="16333804 kB"), record("6.18-x", memory=memory))
    assert data["differences"] == []


@pytest.mark.parametrize("memory", ["8166900 kB", "15900000 kB", "unknown"])
def test_another_amount_of_memory_is_another_machine(memory: str) -> None:
    with pytest.raises(ArtifactError, match="different machines") as caught:
        compare_records(record("6.17", memory="16333804 kB"), record("6.18-x", memory=memory))
    assert f"memory: 16333804 kB → {memory}" in caught.value.details


def test_another_governor_is_named() -> None:
    data = compare_records(record("6.17"), record("6.18-x", governor="powersave"))
    assert data["differences"] == ["governor: performance → powersave"]
    assert "differs: governor" in render_comparison(data)


@pytest.mark.parametrize("boots", [8, 3])
@pytest.mark.parametrize(
    "change", [{"command": "run pipe --more"}, {"lower": False}, {"unit": "operations/s"}]
)
def test_benchmarks_of_other_work_are_left_out(boots: int, change: dict[str, Any]) -> None:
    data = compare_records(record("6.17"), with_pipe(record("6.18-x"), boots, **change))
    assert [row["name"] for row in data["benchmarks"]] == ["fork"]
    assert any("pipe ran" in note and "is left out" in note for note in data["notes"])


def with_pipe(record: Record, boots: int, **change: Any) -> Record:
    """Return a record whose first boots ran something else as “pipe”."""
    changed = [
        replace(boot, series=dict(boot.series) | {"pipe": replace(boot.series["pipe"], **change)})
        for boot in record.boots[:boots]
    ]
    return replace(record, boots=(*changed, *record.boots[boots:]))


def test_a_benchmark_of_one_side_is_named() -> None:
    before = record("6.17")
    some = tuple(replace(one, series={"pipe": one.series["pipe"]}) for one in before.boots)
    data = compare_records(before, replace(record("6.18-x"), boots=some))
    assert [row["name"] for row in data["benchmarks"]] == ["pipe"]
    assert "Only measured before, so not compared: fork." in data["notes"]


def test_each_benchmark_has_its_own_boots() -> None:
    after = record("6.18-x")
    less = tuple(replace(one, series={"pipe": one.series["pipe"]}) for one in after.boots[3:])
    data = compare_records(record("6.17"), replace(after, boots=(*after.boots[:3], *less)))
    assert any("the fewest here is 3 (fork)" in note for note in data["notes"])
    assert "too few boots for a verdict (8 and 3 boots)" in render_comparison(data)


def test_a_boot_that_ended_early_is_told() -> None:
    after = record("6.18-x")
    series = {name: replace(one, planned=3) for name, one in after.boots[0].series.items()}
    cut = replace(after, boots=(replace(after.boots[0], series=series), *after.boots[1:]))
    notes = compare_records(record("6.17"), cut)["notes"]
    assert any("1 of the 8 boots after ended early" in note for note in notes)


@pytest.mark.parametrize("same_boot", [True, False])
def test_other_work_of_the_same_name_does_not_go_into_the_file(*, same_boot: bool) -> None:
    one = boot(1, "k", {"own": (1.0,)})
    other = {"own": replace(one.series["own"], command="sleep 9")}
    again = replace(one, boot_id=one.boot_id if same_boot else "2", series=other)
    with pytest.raises(ConfigError, match="another “own”") as caught:
        add_boot(Record(pkgafdo="0", boots=(one,)), again)
    assert "“run own”" in caught.value.details
    assert "“sleep 9”" in caught.value.details


def test_a_boot_whose_environment_changed_is_not_joined() -> None:
    known = Record(pkgafdo="0", boots=(boot(1, "k", {"pipe": (1.0,)}),))
    with pytest.raises(ConfigError, match="another environment") as caught:
        add_boot(known, boot(1, "k", {"pipe": (1.0,)}, governor="powersave"))
    assert caught.value.details == "governor: performance → powersave"
    # What only one version of pkgafdo reads is no change.
    assert add_boot(known, boot(1, "k", {"pipe": (1.0,)}, boost="1"))


def test_nothing_in_common_is_refused() -> None:
    other = Record(pkgafdo="0", boots=(boot(1, "k", {"else": (1.0,)}),))
    with pytest.raises(ArtifactError, match="no benchmark in common"):
        compare_records(record("6.17"), other)
    with pytest.raises(ArtifactError, match="no benchmark in common"):
        compare_records(record("6.17"), Record(pkgafdo="0"))


def test_other_versions_are_named() -> None:
    data = compare_records(record("6.17"), replace(record("6.18-x"), pkgafdo="0.2.0"))
    assert any("0.1.0 and 0.2.0" in note for note in data["notes"])


def test_what_is_printed_fits_80_columns_and_cuts_no_name() -> None:
    long = "perf sched msg fork thread"
    sides: list[Record] = []
    for kernel in ("7.2.13-pkgafdo-propeller-base-" + "x" * 30, "7.2.13-pkgafdo-" + "y" * 45):
        made = record(kernel, cmdline=f"quiet {kernel[-1]} " * 20)
        boots = [
            replace(one, series={long: one.series["pipe"], "fork": one.series["fork"]})
            for one in made.boots
        ]
        sides.append(replace(made, boots=tuple(boots[: 8 - len(sides)])))
    text = render_comparison(compare_records(*sides))
    assert max(map(len, text.splitlines())) <= 80
    assert f"\n{long}\n" in text
    for side in sides:
        assert f"{side.kernels[0]}, {len(side.boots)} boots" in " ".join(text.split())


def test_boots_are_interleaved() -> None:
    order = interleaved("a", "b", 4)
    assert order == ("a", "b", "b", "a", "a", "b", "b", "a")
    with pytest.raises(ConfigError, match="itself"):
        interleaved("a", "a", 4)
    with pytest.raises(ConfigError, match="at least one"):
        interleaved("a", "b", 0)
    for wrong in ("", " ", "6.18 x", "/boot/vmlinuz"):
        with pytest.raises(ConfigError, match="not a kernel’s release"):
            interleaved(wrong, "b", 4)


def test_a_plan_goes_on_where_it_was() -> None:
    order = interleaved("a", "b", 2)
    assert next_kernel(order, {}) == "a"
    assert next_kernel(order, {"a": 1}) == "b"
    assert next_kernel(order, {"a": 1, "b": 1}) == "b"
    assert next_kernel(order, {"a": 2, "b": 1}) == "b"
    assert next_kernel(order, {"a": 2, "b": 2}) is None


def test_a_plan_on_disk_is_the_plan(tmp_path: Path) -> None:
    order = interleaved("a", "b", 3)
    write_plan(tmp_path / "p.json", order)
    assert read_plan(tmp_path / "p.json") == order
    for text in ("{}", "[]", "x", '{"kind": "x", "format": 1, "order": []}'):
        (tmp_path / "p.json").write_text(text)
        with pytest.raises(ArtifactError, match="not a plan"):
            read_plan(tmp_path / "p.json")
