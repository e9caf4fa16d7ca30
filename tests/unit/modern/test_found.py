"""The table of what was found on other versions names a test for each, and the test is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).resolve().parents[3]


def rows() -> list[list[str]]:
    """Return the cells of the table's rows."""
    text = (CHECKOUT / "docs/tested.md").read_text(encoding="utf-8")
    lines = text.partition("## What was found this way")[2].split("|---|", 1)[1].splitlines()[1:]
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_each_row_names_what_would_find_it_again(row: list[str]) -> None:
    assert len(row) == 4
    named = re.findall(r"`([^`]+)`", row[3])
    assert named
    for one in named:
        path, _, test = one.partition("::")
        if path.startswith("scripts/"):
            assert (CHECKOUT / path.split()[0]).is_file()
        else:
            assert f"\ndef {test}(" in (CHECKOUT / "tests" / path).read_text(encoding="utf-8")
