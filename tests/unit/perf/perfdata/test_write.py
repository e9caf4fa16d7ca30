"""Writing recordings: what is written is read back, by both readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkgafdo.branches.meta import ModuleMapping
from pkgafdo.perf.perfdata.recording import read_recording
from pkgafdo.perf.perfdata.write import Machine, Stacks, write_recording
from tests.fakes import perf_reference
from tests.fakes.perf_files import TEXT
from tests.unit.perf.perfdata.test_layouts import counts_of

MACHINE = Machine(
    text=TEXT,
    text_size=0x1000,
    build_id="00" * 19 + "ff",
    kernelrelease="7.2.13",
    arch="x86_64",
    cpu="QEMU max",
    event="virtual-lbr",
    period=101,
    command="pkgafdo record",
    modules=(("ext4", 0xFFFFFFFFC0000000, 0x2000),),
)
ADDRESS = st.integers(TEXT, TEXT + 0xFFF)


def stacks_of(stacks: list[list[tuple[int, ...]]], columns: int = 2) -> Stacks:
    rows = [row for stack in stacks for row in stack]
    return Stacks(
        rows=np.array(rows, dtype=np.uint64).reshape(len(rows), columns),
        lengths=np.array([len(stack) for stack in stacks], dtype=np.uint64),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(stacks=st.lists(st.lists(st.tuples(ADDRESS, ADDRESS), min_size=1, max_size=40), min_size=1))
def test_what_is_written_is_read_back(tmp_path, stacks) -> None:
    path = tmp_path / "perf.data"
    write_recording(path, stacks_of(stacks), MACHINE)
    expected = perf_reference.count(path.read_bytes())
    branches, _, ranges = counts_of(read_recording(path, filters=False))
    assert sum(branches.values()) == sum(map(len, stacks))
    assert branches == dict(expected.branches)
    assert ranges == dict(expected.ranges)


def test_the_machine_is_read_back(tmp_path) -> None:
    path = tmp_path / "perf.data"
    write_recording(path, stacks_of([[(TEXT, TEXT)]]), MACHINE)
    meta = read_recording(path).meta
    assert meta.build_id == MACHINE.build_id
    assert (meta.kernelrelease, meta.cpu, meta.event) == ("7.2.13", "QEMU max", "virtual-lbr")
    assert (meta.period, meta.samples, meta.link_base) == (101, 1, TEXT)
    assert meta.extra == {
        "arch": "x86_64", "command": "pkgafdo record", "addresses": "runtime _text",
    }  # fmt: skip
    assert meta.modules == (
        ModuleMapping(name="ext4", sections=((".text", 0xFFFFFFFFC0000000),), size=0x2000),
    )


def test_flags_are_kept(tmp_path) -> None:
    path = tmp_path / "perf.data"
    write_recording(path, stacks_of([[(TEXT, TEXT, 1), (TEXT, TEXT, 2)]], columns=3), MACHINE)
    assert read_recording(path).mispredicted == 1


def test_many_stacks_are_written_in_pieces(tmp_path) -> None:
    path = tmp_path / "perf.data"
    stacks = Stacks(
        rows=np.full((40_000, 2), TEXT, dtype=np.uint64),
        lengths=np.ones(40_000, dtype=np.uint64),
    )
    write_recording(path, stacks, MACHINE)
    assert read_recording(path).meta.samples == 40_000


def test_a_recording_without_stacks_can_be_written(tmp_path) -> None:
    write_recording(tmp_path / "perf.data", stacks_of([]), MACHINE)
    assert perf_reference.count((tmp_path / "perf.data").read_bytes()).samples == 0


@pytest.mark.parametrize(
    ("rows", "lengths", "message"),
    [
        (np.zeros((2, 4)), [2], "two or three columns"),
        (np.zeros(2), [2], "two or three columns"),
        (np.zeros((2, 2)), [1], "do not add up"),
        (np.zeros((2, 2)), [2, 0], "1 to 1024"),
        (np.zeros((1025, 2)), [1025], "1 to 1024"),
    ],
)
def test_stacks_that_make_no_sense_are_a_mistake(rows, lengths, message) -> None:
    with pytest.raises(ValueError, match=message):
        Stacks(rows=rows.astype(np.uint64), lengths=np.array(lengths, dtype=np.uint64))


def test_nothing_is_left_behind_when_writing_fails(tmp_path) -> None:
    with pytest.raises(ValueError, match="hex"):
        write_recording(
            tmp_path / "perf.data", stacks_of([[(TEXT, TEXT)]]), replace(MACHINE, build_id="x")
        )
    assert list(tmp_path.iterdir()) == []
