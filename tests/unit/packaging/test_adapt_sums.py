"""Sums for sources that come in or change."""

from __future__ import annotations

import hashlib

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.adapt_sums import digest, plan_sums
from pkgafdo.packaging.bash_edit import apply_edits
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.pkgbuild_values import Values

TEXT = "b2sums=('aa'\n        'SKIP'\n        'cc')\n"
OLD = ("https://x/1.tar", "https://x/1.tar.asc", "config")
SUMS = ("aa", "SKIP", "cc")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


def b2(content: bytes = b"content") -> str:
    return hashlib.blake2b(content).hexdigest()


def planned(new, sums=SUMS, *, text=TEXT, find=lambda _: None, renewing=False, old=OLD) -> str:
    script = parse_script(text.encode())
    before = Values(arrays={"source": old, "b2sums": SUMS})
    after = Values(arrays={"source": new, "b2sums": sums})
    edits = plan_sums(script, before, after, find, renewing=renewing)
    return apply_edits(text.encode(), edits).decode()


def test_sums_are_those_that_makepkg_makes(source) -> None:
    assert digest("b2sums", source) == b2()
    assert digest("sha256sums", source) == hashlib.sha256(b"content").hexdigest()
    assert digest("md5sums", source) == hashlib.md5(b"content").hexdigest()


def test_nothing_new_changes_nothing() -> None:
    assert planned(OLD) == TEXT


def test_a_source_that_comes_in_gets_its_sum_at_its_place(source) -> None:
    new = (*OLD[:2], "https://x/a.patch", "config")
    assert planned(new, find=lambda _: source) == TEXT.replace(
        "'SKIP'\n", f"'SKIP'\n        '{b2()}'\n"
    )
    assert planned((*OLD, "b.patch"), find=lambda _: source).endswith(f"'cc'\n        '{b2()}')\n")


def test_the_sum_of_a_source_that_goes_goes_too() -> None:
    assert planned(OLD[:2]) == "b2sums=('aa'\n        'SKIP')\n"
    assert planned((OLD[0], OLD[2])) == "b2sums=('aa'\n        'cc')\n"
    with pytest.raises(ArtifactError, match="PKGBUILD:1: b2sums has the sum of a source"):
        planned(OLD[1:])


def test_sources_that_come_and_go_at_once_are_refused(source) -> None:
    with pytest.raises(ArtifactError, match="change in several ways"):
        planned(("a.patch", "b.patch", "c.patch", "d.patch"), find=lambda _: source)


def test_a_source_that_changes_gets_a_new_sum_and_its_signature_none(source) -> None:
    new = ("https://x/2.tar", "https://x/2.tar.asc", "config")
    asked: list[str] = []

    def find(entry):
        asked.append(entry)
        return source

    text = planned(new, find=find)
    assert text == TEXT.replace("aa", b2())
    assert asked == ["https://x/2.tar"]


def test_files_of_the_owner_are_renewed_only_when_asked(source) -> None:
    assert planned(OLD, find=lambda _: source) == TEXT
    assert planned(OLD, find=lambda _: source, renewing=True) == TEXT.replace("cc", b2())
    assert planned(OLD, renewing=True) == TEXT


def test_a_source_that_is_not_at_hand_is_named() -> None:
    with pytest.raises(ArtifactError, match="not known; nothing was changed") as caught:
        planned(("https://x/2.tar", "https://x/2.tar.asc", "config"))
    assert caught.value.details == "https://x/2.tar"
    assert "--fetch" in caught.value.hint


def test_a_clone_has_no_sum(source) -> None:
    old = ("git+https://x/y#tag=1", "https://x/1.tar.asc", "config")
    script = parse_script(b"b2sums=('SKIP' 'SKIP' 'cc')\n")
    before = Values(arrays={"source": old, "b2sums": ("SKIP", "SKIP", "cc")})
    after = Values(
        arrays={"source": ("git+https://x/y#tag=2", *old[1:]), "b2sums": ("SKIP", "SKIP", "cc")}
    )
    assert plan_sums(script, before, after, lambda _: source) == []


def test_the_checksum_of_a_clone_is_not_given_up() -> None:
    old = ("git+https://x/y#tag=1", "https://x/1.tar.asc", "config")
    new = ("git+https://x/y#tag=2", *old[1:])
    with pytest.raises(ArtifactError, match="not known"):
        planned(new, old=old)


def test_sums_that_are_not_plainly_written_are_refused(source) -> None:
    text = "b2sums=($(cat sums))\n"
    with pytest.raises(ArtifactError, match="PKGBUILD:1: b2sums is not simply a list"):
        planned(("https://x/2.tar", *OLD[1:]), text=text, find=lambda _: source)


def test_sums_below_a_condition_stay_as_they_are(source) -> None:
    text = TEXT + "if x; then\n    b2sums+=('dd')\nfi\n"
    new = ("https://x/2.tar", *OLD[1:], "kernel.afdo")
    script = parse_script(text.encode())
    before = Values(arrays={"source": (*OLD, "kernel.afdo"), "b2sums": (*SUMS, "dd")})
    after = Values(arrays={"source": new, "b2sums": (*SUMS, "dd")})
    edits = plan_sums(script, before, after, lambda _: source)
    assert apply_edits(text.encode(), edits).decode() == text.replace("aa", b2())
