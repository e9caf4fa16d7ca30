"""The counts file of the virtual LBR."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.vlbr import is_counts_file, read_counts, read_stacks, read_windows
from pkgafdo.errors import ArtifactError
from tests.unit.branches.tables import TEXT, branch_rows, range_rows

BRANCHES = [(TEXT + 8, TEXT, 5), (TEXT, TEXT + 4, 2**40)]
RANGES = [(TEXT, TEXT + 8, 3)]


def block(window: int, branches=BRANCHES, ranges=RANGES, **changes) -> bytes:
    """Return the block of one window; changes replace fields of its head."""
    fields = {
        "window": window,
        "n_branches": len(branches),
        "n_ranges": len(ranges),
        "branch_total": sum(row[2] for row in branches),
        "range_total": sum(row[2] for row in ranges),
        "discontinuities": 77,
    } | changes
    rows = b"".join(struct.pack("<3Q", *row) for row in [*branches, *ranges])
    return struct.pack("<6Q", *fields.values()) + rows


def counts_file(*blocks: bytes, said: int | None = None) -> bytes:
    end = struct.pack("<6Q", 2**64 - 1, len(blocks) if said is None else said, 0, 0, 0, 0)
    return b"VLBRCNT2" + b"".join(blocks) + end


def read(tmp_path, content: bytes, meta: TableMeta | None = None):
    path = tmp_path / "counts"
    path.write_bytes(content)
    return read_counts(path, meta or TableMeta())


def test_the_windows_are_summed_into_one_table(tmp_path) -> None:
    content = counts_file(block(1), block(4))
    table = read(tmp_path, content, TableMeta(build_id="aa", extra={"workload": "w"}))
    assert branch_rows(table) == [(TEXT, TEXT + 4, 2**41, 0), (TEXT + 8, TEXT, 10, 0)]
    assert range_rows(table) == [(TEXT, TEXT + 8, 6)]
    assert table.meta.samples == 2**41 + 10
    assert table.meta.build_id == "aa"
    assert table.meta.extra == {"workload": "w", "windows": "2", "discontinuities": "154"}


def test_each_window_is_known_apart(tmp_path) -> None:
    path = tmp_path / "counts"
    path.write_bytes(counts_file(block(1), block(4, BRANCHES[:1], [])))
    first, second = read_windows(path)
    assert (first.window, len(first.branches), len(first.ranges)) == (1, 2, 1)
    assert (second.window, second.branches.tolist(), second.discontinuities) == (
        4,
        BRANCHES[:1],
        77,
    )


def test_a_file_without_windows_is_an_empty_table(tmp_path) -> None:
    assert read(tmp_path, counts_file()).branches == 0


def test_its_magic_is_recognised(tmp_path) -> None:
    (tmp_path / "yes").write_bytes(counts_file())
    (tmp_path / "no").write_bytes(b"PERFILE2")
    assert is_counts_file(tmp_path / "yes")
    assert not is_counts_file(tmp_path / "no")
    assert not is_counts_file(tmp_path / "absent")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"VLBRCNT1" + counts_file(block(1))[8:],
        counts_file(block(1), said=2),
        counts_file(block(1)) + b"\0",
        counts_file(block(1, n_branches=2**60)),
        counts_file(block(1, branch_total=4)),
        counts_file(block(1, range_total=4)),
    ],
    ids=["empty", "old", "window-missing", "trailing", "lying-length", "branch-sum", "range-sum"],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, content: bytes) -> None:
    with pytest.raises(ArtifactError, match="not a whole file of the virtual LBR"):
        read(tmp_path, content)


def test_an_absent_file_is_an_artifact_error(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_counts(tmp_path / "absent", TableMeta())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.integers(min_value=0, max_value=len(counts_file(block(1), block(2))) - 1))
def test_a_file_cut_anywhere_is_refused(tmp_path, length: int) -> None:
    with pytest.raises(ArtifactError):
        read(tmp_path, counts_file(block(1), block(2))[:length])


def stacks_file(tmp_path, *stacks: list[tuple[int, int]], cut: int = 0):
    content = b"".join(
        struct.pack("<Q", len(stack)) + b"".join(struct.pack("<2Q", *row) for row in stack)
        for stack in stacks
    )
    path = tmp_path / "stacks"
    path.write_bytes(content[: len(content) - cut])
    return path


def test_sampled_stacks_are_read_in_order(tmp_path) -> None:
    rows, lengths = read_stacks(stacks_file(tmp_path, [(TEXT, 1), (TEXT + 4, 2)], [(TEXT, 3)]))
    assert rows.tolist() == [[TEXT, 1], [TEXT + 4, 2], [TEXT, 3]]
    assert lengths.tolist() == [2, 1]


def test_no_stacks_are_none(tmp_path) -> None:
    rows, lengths = read_stacks(stacks_file(tmp_path))
    assert (rows.shape, lengths.shape) == ((0, 2), (0,))


def test_a_stack_cut_short_is_refused(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="not a whole file") as caught:
        read_stacks(stacks_file(tmp_path, [(TEXT, 1), (TEXT, 2)], cut=8))
    assert "last stack of 2 branches is cut short" in caught.value.details


def test_absent_stacks_are_an_artifact_error(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_stacks(tmp_path / "absent")
