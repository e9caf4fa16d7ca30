"""The order of Debian's version numbers (deb-version(7))."""

from __future__ import annotations

import re
from itertools import zip_longest


def compare_versions(left: str, right: str) -> int:
    """Order two Debian versions as dpkg does (deb-version(7)): negative, zero or positive."""
    for one, other in zip(_parts(left), _parts(right), strict=True):
        if order := _compare_part(one, other):
            return order
    return 0


def _parts(version: str) -> tuple[str, str, str]:
    """Split a version into epoch, upstream version and revision."""
    epoch, _, rest = version.rpartition(":")
    upstream, dash, revision = rest.rpartition("-")
    return (epoch or "0", upstream, revision) if dash else (epoch or "0", rest, "0")


def _compare_part(left: str, right: str) -> int:
    pairs = zip_longest(_tokens(left), _tokens(right), fillvalue=("", 0))
    for (text, number), (other_text, other_number) in pairs:
        one, other = (*map(_order, text), 0), (*map(_order, other_text), 0)
        if one != other:
            return 1 if one > other else -1
        if number != other_number:
            return number - other_number
    return 0


def _tokens(part: str) -> list[tuple[str, int]]:
    """Split into pairs of a non-digit run and the number after it."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", part)][:-1]


def _order(character: str) -> int:
    """Return a character's weight: ~ before the end of the part, then letters, then the rest."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
