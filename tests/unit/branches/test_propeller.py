"""The protobuf for generate_propeller_profiles."""

from __future__ import annotations

import pytest

from pkgafdo.branches.propeller import branch_frequencies, varint
from tests.unit.branches.tables import table_of


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, b"\x00"),
        (1, b"\x01"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (300, b"\xac\x02"),
        (2**64 - 1, b"\xff" * 9 + b"\x01"),
    ],
)
def test_numbers_are_in_base_128(value, encoded) -> None:
    assert varint(value) == encoded


def test_each_branch_is_a_message_of_source_destination_and_count() -> None:
    table = table_of([(1, 300, 5, 2), (2, 3, 128, 0)], [(3, 4, 9)])
    assert b"".join(branch_frequencies(table)) == (
        b"\x0a\x07" b"\x08\x01" b"\x10\xac\x02" b"\x18\x05"
        b"\x0a\x07" b"\x08\x02" b"\x10\x03" b"\x18\x80\x01"
    )  # fmt: skip


def test_an_empty_table_is_an_empty_message() -> None:
    assert b"".join(branch_frequencies(table_of())) == b""
