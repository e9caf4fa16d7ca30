"""Formats of sample profiles by their first bytes."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.profile.magic import format_of, require_profile


def uleb(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


MAGIC = int.from_bytes(b"SPROF42\0", "big")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (uleb(MAGIC | 0x04) + b"rest", "extbinary"),
        (uleb(MAGIC | 0xFF) + b"rest", "binary"),
        (uleb(MAGIC | 0x02) + b"rest", None),
        (b"main:1:1\n 1: 1\n", "text"),
        (b"[main:3 @ foo]:100:2\n", "text"),
        (b"# from perf\r\n\n#:1:1\nmain:1:1\n 1: 1\n", "text"),
        (b"\nmain:1:1\n 1: 1\n", "text"),
        (b" # from perf\nmain:1:1\n 1: 1\n", None),
        (b" \nmain:1:1\n 1: 1\n", None),
        (b"#main:1:1\n", None),
        (b"PERFILE2", None),
        (b"\x7fELF", None),
        (b'{"a":1:2}', None),
        (b"hello\n", None),
        (b"", None),
        (b"\xff" * 20, None),
    ],
)
def test_formats_are_known_by_their_first_bytes(head, name) -> None:
    assert format_of(head) == name


def test_a_profile_of_another_format_is_refused(tmp_path) -> None:
    path = tmp_path / "x.afdo"
    for content, message in ((b"", "is empty"), (b"PERFILE2...", "no sample profile")):
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match=message):
            require_profile(path)
    with pytest.raises(ArtifactError, match="cannot be read"):
        require_profile(tmp_path)
    path.write_bytes(b"main:1:1\n 1: 1\n")
    assert require_profile(path) == b"main:1:1\n 1: 1\n"
