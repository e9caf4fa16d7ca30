"""What the reading script prints, and what is made of it."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.pkgbuild_values import Values, parse_values

END = "end\x000\x00"


def test_scalars_and_arrays_are_told_apart_by_their_number() -> None:
    values = parse_values(f"pkgver\x001\x007.2\x00source\x002\x00a b\x00c\nd\x00_e\x000\x00{END}")
    assert values.scalar("pkgver") == "7.2"
    assert values.array("source") == ("a b", "c\nd")
    assert values.array("_e") == () == values.array("absent")


@pytest.mark.parametrize("output", ["", "pkgver\x001\x007.2\x00", "x\x00-1\x00", "x\x00many\x00a"])
def test_an_output_without_its_end_is_refused(output) -> None:
    with pytest.raises(ArtifactError, match="ends before its end"):
        parse_values(output)


def test_a_number_that_is_far_too_large_does_no_harm() -> None:
    with pytest.raises(ArtifactError):
        parse_values("x\x00999999999999\x00a\x00")


def test_plain_expansions_are_resolved_and_others_stay() -> None:
    values = Values(arrays={"_a": ("7.2",), "F": ("CC=clang", "LLVM=1")})
    assert values.resolve('"x-${_a}/$_a-$_unknown"') == "x-7.2/7.2-$_unknown"
    call = parse_script(b'make "${F[@]}" V=$_a all').calls[0]
    assert values.words(call.words) == ("CC=clang", "LLVM=1", "V=7.2", "all")
