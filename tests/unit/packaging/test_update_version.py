"""Another version, in the spelling that a PKGBUILD has."""

from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.packaging.bash_edit import apply_edits
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.update_version import (
    check_version,
    plan_release,
    plan_sources,
    plan_tag,
    plan_version,
    release_of,
)
from tests.unit.packaging.hostile import HOSTILE

PARTS = "_major=7.2\n_minor=0\npkgver=${_major}.${_minor}\n"
CANDIDATE = '_major=7.2\n_rcver=rc7\npkgver="${_major}.$_rcver"\n'


def set_to(text: str, version: str) -> str:
    script = parse_script(text.encode())
    return apply_edits(text.encode(), plan_version(script, version)).decode()


@pytest.mark.parametrize(
    ("text", "version", "result"),
    [
        ("pkgver=7.2\n", "7.2.1", "pkgver=7.2.1\n"),
        ("pkgver='7.2.13' # x\n", "7.3", "pkgver=7.3 # x\n"),
        ("pkgver=7.2rc7\n", "7.2", "pkgver=7.2\n"),
        ("pkgver=7.2\n", "7.3rc1", "pkgver=7.3rc1\n"),
        ("pkgver=7.2.4.arch2\n", "7.2.5", "pkgver=7.2.5.arch1\n"),
        ("pkgver=7.2.4.arch2\n", "7.2.4.arch3", "pkgver=7.2.4.arch3\n"),
        (': "${pkgver:=7.2}"\n', "7.3", ': "${pkgver:=7.3}"\n'),
        (PARTS, "7.2.1", PARTS.replace("minor=0", "minor=1")),
        (PARTS, "7.3", PARTS.replace("7.2", "7.3")),
        (PARTS, "6.18.54", PARTS.replace("7.2", "6.18").replace("minor=0", "minor=54")),
        (PARTS, "7.2.0", PARTS),
        (CANDIDATE, "7.3rc1", CANDIDATE.replace("7.2", "7.3").replace("rc7", "rc1")),
        ("_m=42\npkgver=6.18.${_m}\n", "6.18.43", "_m=43\npkgver=6.18.${_m}\n"),
    ],
)
def test_a_version_is_set_in_the_spelling_of_the_file(text, version, result) -> None:
    assert set_to(text, version) == result


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        (PARTS, "7.3rc1", "PKGBUILD:3: pkgver is .* cannot become 7.3rc1"),
        (CANDIDATE, "7.2.1", "PKGBUILD:3: .* cannot become 7.2.1"),
        ("_m=42\npkgver=6.18.${_m}\n", "7.2.1", "cannot become"),
        ("pkgver=$(cat v)\n", "7.2", "PKGBUILD:1: pkgver is .* not understood"),
        ("_a=$(x)\npkgver=$_a\n", "7.2", "PKGBUILD:1: _a is not a plain text"),
        ("pkgver=1\npkgver=2\n", "7.2", "PKGBUILD:1: pkgver is not set once"),
        ("if x; then\n  pkgver=1\nfi\n", "7.2", "PKGBUILD:2: pkgver is not set once"),
        ("pkgver=1\npkgver() {\n  x\n}\n", "7.2", r"PKGBUILD:2: pkgver\(\) computes"),
        ("_a=1\npkgver=$_a.$_a\n", "7.2", "with a part twice"),
        ("pkgver=${x%.*}\n", "7.2", "not understood"),
        ("x=1\n", "7.2", "pkgver is not set once"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text, version, message) -> None:
    with pytest.raises(ArtifactError, match=message):
        set_to(text, version)


@pytest.mark.parametrize("version", ["6.18.54", "7.2", "7.3rc2", "7.2.5.arch1", "6.18.1.2"])
def test_versions_of_the_kernel_are_taken(version) -> None:
    assert check_version(version) == version
    assert check_version("7.3-rc2") == "7.3rc2"
    assert check_version("7.2.5-arch1") == "7.2.5.arch1"


@pytest.mark.parametrize(
    "version", [*HOSTILE, "7", "latest", "v7.2", "7.2 ", "7.2\n", "7.2;x", "7.2/1"]
)
def test_anything_else_is_no_version(version) -> None:
    with pytest.raises(ConfigError, match="no version of the kernel"):
        check_version(version)


def test_the_release_and_the_tag_begin_anew() -> None:
    script = parse_script(b"pkgrel=3\n_tagrel=2\n")
    assert release_of(script) == 3
    edits = [*plan_release(script, 1), *plan_tag(script)]
    assert apply_edits(script.content, edits) == b"pkgrel=1\n_tagrel=1\n"
    assert plan_tag(parse_script(b"pkgrel=1\n")) == []


@pytest.mark.parametrize("text", [b"pkgrel=$(x)\n", b"pkgrel=1.5\n", b"x=1\n"])
def test_a_release_that_is_no_number_is_refused(text) -> None:
    with pytest.raises(ArtifactError, match="pkgrel is"):
        release_of(parse_script(text))


@pytest.mark.parametrize(
    ("text", "old", "new", "result"),
    [
        (
            "source=(https://cdn.kernel.org/v6.x/linux-6.18.54.tar.{xz,sign} config)\n",
            "6.18.54", "7.2.1",
            "source=(https://cdn.kernel.org/v7.x/linux-7.2.1.tar.{xz,sign} config)\n",
        ),
        ("_srcname=linux-7.2\n", "7.2", "7.2.1", "_srcname=linux-7.2.1\n"),
        ("source=(linux::git+https://x/y#tag=v7.2-rc3)\n", "7.2rc3", "7.2rc4",
         "source=(linux::git+https://x/y#tag=v7.2-rc4)\n"),
        ("source=(a-17.2.tar b-7.2.1.tar)\n", "7.2", "7.3", "source=(a-17.2.tar b-7.2.1.tar)\n"),
        ("pkgdesc='for 7.2'\n", "7.2", "7.3", "pkgdesc='for 7.2'\n"),
    ],
)  # fmt: skip
def test_versions_that_sources_spell_out_follow(text, old, new, result) -> None:
    edits = plan_sources(parse_script(text.encode()), old, new)
    assert apply_edits(text.encode(), edits).decode() == result
