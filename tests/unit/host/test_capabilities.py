"""Capabilities that recording needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.capabilities import ambient, may_record
from tests.unit.host import machines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("mask", "enough"),
    [("0000004400000000", True), ("0000004000000000", False), ("0000000000000000", False)],
)
def test_both_capabilities_are_needed_and_must_be_inherited(
    tmp_path: Path, mask: str, *, enough: bool
) -> None:
    text = f"Name:\tpython\nCapEff:\t000001ffffffffff\nCapAmb:\t{mask}\n"
    machines.write(tmp_path, "proc/self/status", text)
    assert may_record(tmp_path) is enough


def test_a_system_that_does_not_tell_gives_nothing(tmp_path: Path) -> None:
    assert not may_record(tmp_path)
    assert ambient("Name:\tx\n") == 0
