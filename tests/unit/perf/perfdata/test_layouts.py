"""Every layout gives the same counts as the plain reader."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.recording import read_recording
from tests.fakes import perf_reference
from tests.unit.perf.perfdata.layouts import recordings

if TYPE_CHECKING:
    from pkgafdo.branches.table import BranchTable


def counts_of(table: BranchTable):
    """Return branches, mispredictions and ranges of a table as dictionaries."""
    pairs = list(zip(table.branch_from.tolist(), table.branch_to.tolist(), strict=True))
    spans = zip(table.range_start.tolist(), table.range_end.tolist(), strict=True)
    return (
        dict(zip(pairs, table.branch_count.tolist(), strict=True)),
        {
            pair: missed
            for pair, missed in zip(pairs, table.branch_mispredicted.tolist(), strict=True)
            if missed
        },
        dict(zip(spans, table.range_count.tolist(), strict=True)),
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=recordings())
def test_the_counts_equal_those_of_the_plain_reader(content) -> None:
    expected = perf_reference.count(content)
    if not expected.samples:
        with pytest.raises(ArtifactError, match="has no samples"):
            read_recording(io.BytesIO(content), filters=False)
        return
    table = read_recording(io.BytesIO(content), filters=False)
    branches, missed, ranges = counts_of(table)
    assert branches == dict(expected.branches)
    assert missed == {pair: count for pair, count in expected.missed.items() if count}
    assert ranges == dict(expected.ranges)
    assert (table.meta.samples, table.meta.lost) == (expected.samples, expected.lost)
    assert table.meta.kernelrelease == "7.2.13"
