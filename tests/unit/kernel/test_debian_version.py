from __future__ import annotations

import pytest

from pkgafdo.kernel.debian_version import compare_versions


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("6.9.1-1", "6.13.1-1"),
        ("7.2.13-1~bpo13+1", "7.2.13-1"),
        ("7.2~rc4-1~exp1", "7.2.1-1"),
        ("7.2~rc4-1", "7.2-1"),
        ("7.2.13-1", "7.2.13-1+b1"),
        ("7.2.13-1", "7.2.13-2"),
        ("9.9-1", "1:0.1-1"),
        ("1.0", "1.0-1"),
        ("1.0a-1", "1.0+-1"),
        ("1.0~~", "1.0~"),
        ("1.2", "1.2.0"),
    ],
)
def test_versions_are_ordered_as_dpkg_orders_them(older, newer):
    assert sign(compare_versions(older, newer)) == -1
    assert sign(compare_versions(newer, older)) == 1
    assert compare_versions(newer, newer) == 0


def test_numbers_are_compared_as_numbers_and_zeros_do_not_count():
    assert compare_versions("1.02-1", "1.2-1") == 0
    assert compare_versions("1.0-0", "1.0") == 0
