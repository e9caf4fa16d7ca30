"""`pkgafdo doctor` on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pkgafdo.host.cpu import BranchRecords
from pkgafdo.host.facts import read_facts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.program import Pkgafdo

pytestmark = pytest.mark.real


def test_the_page_has_every_topic_and_is_quick(pkgafdo: Pkgafdo, folder: Path) -> None:
    ended = pkgafdo.run("doctor", "--json", "-w", folder / "w")
    page = json.loads(ended.stdout)
    assert (ended.code == 0) is page["healthy"]
    assert ended.code in {0, 3}
    topics = list(dict.fromkeys(one["topic"] for one in page["findings"]))
    assert topics == [
        "machine", "tools", "toolchain", "recording", "virtual machine", "booting",
        "configured run",
    ]  # fmt: skip
    wrong = [one for one in page["findings"] if one["level"] != "fine" and not one["hint"]]
    assert wrong == []
    assert ended.seconds < 20  # 1.5 s on an idle machine; other work may go on beside
    assert not (folder / "w").exists()


def test_a_road_that_this_machine_cannot_take_ends_with_three(pkgafdo: Pkgafdo) -> None:
    if read_facts().cpu.branch_records is not BranchRecords.NONE:
        pytest.skip("this processor records branches")
    ended = pkgafdo.run("doctor", "--set", "record.road=host")
    assert ended.code == 3
    assert "✗ branch records: none" in ended.stdout
    assert "the configured run cannot work" in ended.stderr
