"""Compressed records."""

from __future__ import annotations

import pytest
import zstandard

from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.inflate import Inflater


def test_pieces_of_a_stream_give_what_went_in() -> None:
    content = bytes(range(256)) * 5000
    packed = zstandard.compress(content)
    inflater = Inflater()
    found = b"".join(
        piece for at in range(0, len(packed), 7) for piece in inflater.pieces(packed[at : at + 7])
    )
    assert found == content


def test_several_streams_may_follow_each_other() -> None:
    packed = zstandard.compress(b"first") + zstandard.compress(b"second")
    assert b"".join(Inflater().pieces(packed)) == b"firstsecond"


def test_a_bomb_is_refused_before_it_fills_memory() -> None:
    packed = zstandard.compress(bytes(1 << 29))
    pieces = Inflater().pieces(packed)
    sizes: list[int] = []
    with pytest.raises(ArtifactError, match="damaged") as caught:
        sizes.extend(len(piece) for piece in pieces)
    assert "stand for more than" in caught.value.details
    assert sizes
    assert max(sizes) < 1 << 26


def test_what_is_no_stream_is_refused() -> None:
    with pytest.raises(ArtifactError, match="damaged"):
        list(Inflater().pieces(b"no zstd"))
