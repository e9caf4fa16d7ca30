"""The texts of a repository's database."""

from __future__ import annotations

from pkgafdo.pacman.sync_db import parse_descs


def test_entries_that_lie_one_behind_the_other_are_parted() -> None:
    one = "%FILENAME%\na.pkg.tar.zst\n\n%NAME%\na\n\n%DEPENDS%\nx\ny\n\n"
    other = "%FILENAME%\nb.pkg.tar.zst\n\n%NAME%\nb\n"
    assert list(parse_descs(one + other)) == [
        {"FILENAME": "a.pkg.tar.zst", "NAME": "a", "DEPENDS": "x"},
        {"FILENAME": "b.pkg.tar.zst", "NAME": "b"},
    ]


def test_an_empty_database_has_no_entry() -> None:
    assert list(parse_descs("")) == []
