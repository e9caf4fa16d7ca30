"""Adding tables."""

from __future__ import annotations

import pytest

from pkgafdo.branches.merge import merge_tables
from pkgafdo.branches.meta import DropReason, ModuleMapping, TableMeta
from pkgafdo.branches.store import table_digest
from pkgafdo.errors import ArtifactError, ConfigError
from tests.unit.branches.tables import TEXT, branch_rows, range_rows, table_of

A = TableMeta(build_id="aa", link_base=TEXT, event="e", period=7, samples=10, lost=1, source="x")
B = TableMeta(
    build_id="aa", link_base=TEXT, event="e", period=7, samples=20, source="y",
    dropped={DropReason.USER: 2}, extra={"workload": "fio"},
)  # fmt: skip


def test_counts_are_added_with_their_weights() -> None:
    first = table_of([(1, 2, 5, 1)], [(2, 3, 1)], A)
    second = table_of([(1, 2, 10, 0), (3, 4, 1, 1)], [(2, 3, 4)], B)
    merged = merge_tables([first, second], weights=[3, 2])
    assert branch_rows(merged) == [(1, 2, 35, 3), (3, 4, 2, 2)]
    assert range_rows(merged) == [(2, 3, 11)]


def test_the_metadata_is_combined() -> None:
    meta = merge_tables([table_of(meta=A), table_of(meta=B)]).meta
    assert (meta.build_id, meta.event, meta.period, meta.link_base) == ("aa", "e", 7, TEXT)
    assert (meta.samples, meta.lost, meta.source) == (30, 1, "x + y")
    assert meta.dropped == {DropReason.USER: 2}
    assert meta.extra == {"workload": "fio"}


def test_different_periods_leave_the_period_unknown() -> None:
    other = TableMeta(build_id="aa", link_base=TEXT, period=9)
    assert merge_tables([table_of(meta=A), table_of(meta=other)]).meta.period == 0


def test_one_table_merges_to_itself() -> None:
    table = table_of([(1, 2, 5, 1)], [(2, 3, 1)], B)
    assert table_digest(merge_tables([table])) == table_digest(table)


@pytest.mark.parametrize(
    ("other", "sentence", "move"),
    [
        (TableMeta(build_id="bb", link_base=TEXT), "different kernels", "its own vmlinux"),
        (TableMeta(build_id="aa", link_base=TEXT + 4096), "lay elsewhere", "--vmlinux"),
    ],
)
def test_tables_of_different_kernels_are_refused_unless_told(other, sentence, move) -> None:
    tables = [table_of([(1, 2, 1, 0)], [], A), table_of([(1, 2, 1, 0)], [], other)]
    with pytest.raises(ArtifactError, match=sentence) as caught:
        merge_tables(tables)
    assert f"build-id {other.build_id}" in caught.value.details
    assert move in caught.value.hint
    both = merge_tables(tables, allow_mismatch=True)
    assert both.branches == 2
    with pytest.raises(ArtifactError):
        merge_tables([both, tables[0]])


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -1], [1, 2, 3]])
def test_impossible_weights_are_refused(weights) -> None:
    with pytest.raises(ConfigError, match="cannot be merged with the weights"):
        merge_tables([table_of(meta=A), table_of(meta=A)], weights=weights)


def test_there_must_be_something_to_merge() -> None:
    with pytest.raises(ConfigError, match="no branch table"):
        merge_tables([])


def test_a_module_that_was_loaded_elsewhere_is_moved_section_by_section() -> None:
    here = ModuleMapping(name="ext4", sections=((".text", 1000), (".exit.text", 1500)), size=600)
    there = ModuleMapping(name="ext4", sections=((".text", 5000), (".exit.text", 5400)), size=500)
    first = table_of([(1010, 1510, 1, 0)], [(1000, 1010, 1)], TableMeta(modules=(here,)))
    second = table_of(
        [(5010, 5410, 1, 0), (4999, 5500, 1, 0)], [(5000, 5010, 1)], TableMeta(modules=(there,))
    )
    merged = merge_tables([first, second])
    assert branch_rows(merged) == [(1010, 1510, 2, 0), (4999, 5500, 1, 0)]
    assert range_rows(merged) == [(1000, 1010, 2)]
    assert merged.meta.modules == (here,)


def test_modules_of_several_recordings_are_all_kept() -> None:
    ext4 = ModuleMapping(name="ext4", sections=((".text", 1000),), size=10)
    xfs = ModuleMapping(name="xfs", sections=((".text", 1000),), size=10)
    merged = merge_tables(
        [table_of(meta=TableMeta(modules=(ext4,))), table_of(meta=TableMeta(modules=(xfs,)))]
    )
    assert merged.meta.modules == (ext4, xfs)
