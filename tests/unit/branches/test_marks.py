"""Tables that a recorder marked."""

from __future__ import annotations

import pytest

from pkgafdo.branches.marks import ACCEPTED, FAULTS, accept_faults, mark_faults, require_unmarked
from pkgafdo.errors import ArtifactError
from tests.unit.branches.tables import table_of


def test_a_table_without_faults_is_as_it_was() -> None:
    table = table_of()
    assert mark_faults(table, ()) is table
    require_unmarked(table, "it")


def test_a_marked_table_is_refused_with_each_fault_and_the_way_out() -> None:
    table = mark_faults(table_of(), ("its workload failed", "it broke off"))
    with pytest.raises(ArtifactError, match="is marked as not to be used") as refusal:
        require_unmarked(table, "host.parquet")
    assert refusal.value.details == "its workload failed\nit broke off"
    assert "--allow-failed" in refusal.value.hint


def test_an_accepted_table_passes_and_still_says_what_was_wrong() -> None:
    table = accept_faults(mark_faults(table_of(), ("it broke off",)))
    require_unmarked(table, "it")
    assert table.meta.extra[ACCEPTED] == "it broke off"
    assert table.meta.extra["workload"] == "(although: it broke off)"
    assert FAULTS not in table.meta.extra
