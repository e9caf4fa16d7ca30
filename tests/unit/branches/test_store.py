"""Tables on disk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkgafdo.branches.meta import DropReason, ModuleMapping, TableMeta
from pkgafdo.branches.store import is_table, read_table, table_digest, write_table
from pkgafdo.errors import ArtifactError
from tests.unit.branches.tables import TEXT, branch_rows, range_rows, table_of

META = TableMeta(
    build_id="54f48e",
    kernelrelease="7.2.13-örk",
    link_base=TEXT,
    event="virtual-lbr",
    period=1,
    samples=2**40,
    lost=3,
    source="vm",
    cpu="max",
    dropped={DropReason.USER: 4, DropReason.BOGUS_RANGE: 2},
    modules=(ModuleMapping(name="ext4", sections=((".text", 2**64 - 2**30),), size=8192),),
    extra={"workload": "train"},
)


def a_table():
    return table_of(
        [(TEXT, TEXT + 64, 7, 1), (TEXT + 9, 2**64 - 1, 2**62, 0)], [(TEXT, TEXT + 4, 3)], META
    )


def test_a_table_comes_back_as_it_was_written(tmp_path) -> None:
    table = a_table()
    write_table(table, tmp_path / "t.parquet")
    again = read_table(tmp_path / "t.parquet")
    assert branch_rows(again) == branch_rows(table)
    assert range_rows(again) == range_rows(table)
    assert again.meta == table.meta
    assert is_table(tmp_path / "t.parquet")


def test_an_empty_table_comes_back(tmp_path) -> None:
    write_table(table_of(), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").branches == 0


def test_equal_tables_have_equal_bytes_and_digests(tmp_path) -> None:
    rows = [(TEXT, TEXT + 64, 7, 1), (TEXT + 9, TEXT, 1, 0)]
    write_table(table_of(rows, [], META), tmp_path / "a")
    write_table(table_of(rows[::-1], [], META), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert table_digest(read_table(tmp_path / "a")) == table_digest(table_of(rows, [], META))


def test_the_digest_depends_on_counts_and_metadata() -> None:
    table = a_table()
    other = replace(table, meta=replace(META, lost=4))
    digests = {table_digest(table), table_digest(other), table_digest(table_of([], [], META))}
    assert len(digests) == 3


def test_any_parquet_reader_sees_the_rows(tmp_path) -> None:
    write_table(a_table(), tmp_path / "t.parquet")
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert rows[2] == {"kind": "range", "a": TEXT, "b": TEXT + 4, "count": 3, "mispredicted": 0}


def test_a_file_of_something_else_is_refused(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("not a table")
    assert not is_table(path)
    with pytest.raises(ArtifactError, match="not a readable branch table"):
        read_table(path)


def test_a_missing_file_is_refused(tmp_path) -> None:
    assert not is_table(tmp_path / "none")
    with pytest.raises(ArtifactError, match="none is not a readable"):
        read_table(tmp_path / "none")


def test_a_foreign_parquet_file_is_refused(tmp_path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(ArtifactError, match="not a branch table"):
        read_table(tmp_path / "x.parquet")


def with_header(tmp_path, **changes):
    """Write a table whose header was changed behind our back; returns its path."""
    write_table(a_table(), tmp_path / "t.parquet")
    stored = pq.read_table(tmp_path / "t.parquet")
    header = json.loads(stored.schema.metadata[b"pkgafdo"]) | changes
    stored = stored.replace_schema_metadata({b"pkgafdo": json.dumps(header).encode()})
    pq.write_table(stored, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_a_newer_format_is_refused_by_its_number(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="format 2; this pkgafdo knows 1"):
        read_table(with_header(tmp_path, format=2))


def test_changed_content_is_noticed(tmp_path) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_table(with_header(tmp_path, sha256="0" * 64))
    assert "digest" in caught.value.details


@pytest.mark.parametrize("meta", [None, [], {}, {"build_id": 3}])
def test_metadata_of_another_shape_is_refused(tmp_path, meta) -> None:
    with pytest.raises(ArtifactError, match="metadata cannot be understood"):
        read_table(with_header(tmp_path, meta=meta))


def test_unsorted_rows_are_refused(tmp_path) -> None:
    path = with_header(tmp_path)
    stored = pq.read_table(path)
    pq.write_table(stored.take([1, 0, 2]), path)
    with pytest.raises(ArtifactError, match="not a readable"):
        read_table(path)


def test_rows_of_an_unknown_kind_are_refused(tmp_path) -> None:
    path = with_header(tmp_path)
    stored = pq.read_table(path)
    pq.write_table(stored.set_column(0, "kind", pa.array(["branch", "loop", "range"])), path)
    with pytest.raises(ArtifactError, match="not a readable"):
        read_table(path)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_still_says_the_same(tmp_path, data) -> None:
    path = tmp_path / "t.parquet"
    write_table(a_table(), path)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        again = read_table(path)
    except ArtifactError:
        return
    assert table_digest(again) == table_digest(a_table())


def test_nothing_is_left_behind_when_writing_fails(tmp_path, monkeypatch) -> None:
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space"):
        write_table(a_table(), tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_counts_come_back_as_unsigned_numbers(tmp_path) -> None:
    write_table(a_table(), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").branch_to.dtype == np.uint64
