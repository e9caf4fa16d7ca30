"""A package's signature: the one in the database, and the file beside the package."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from pkgafdo.pacman.sync_db import RepoEntry
from pkgafdo.runner.command import Result
from pkgafdo.workflows.repo_check import _package_signature
from tests.fakes.runner import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path

NAME = "linux-t-1-1-any.pkg.tar.zst"


def faults(folder: Path, *, listed: bytes, beside: bytes | None, good: bool = True) -> list[str]:
    """Return what is said of a package whose signature is `listed` in the database."""
    path = folder / NAME
    path.write_bytes(b"package")
    if beside is not None:
        path.with_name(f"{NAME}.sig").write_bytes(beside)
    entry = RepoEntry(
        name="linux-t",
        version="1-1",
        base="linux-t",
        size=7,
        filename=NAME,
        sha256="",
        signature=base64.b64encode(listed).decode(),
    )
    runner = FakeRunner(answers={"gpg": Result(returncode=0 if good else 1)})
    return list(_package_signature(runner, path, entry, {}, is_signed=True))


def test_a_database_without_signatures_leaves_them_to_the_files(tmp_path: Path) -> None:
    assert faults(tmp_path, listed=b"", beside=b"signature") == []


@pytest.mark.parametrize(
    ("listed", "beside", "good", "said"),
    [
        (b"", None, True, "is not signed, as its repository is"),
        (b"", b"signature", False, "has no good signature"),
        (b"signature", None, True, "has no good signature"),
        (b"another", b"signature", True, ".sig is not the signature in the database"),
    ],
)
def test_a_signature_that_is_not_there_or_not_good_is_said(
    tmp_path: Path, listed: bytes, beside: bytes | None, good: bool, said: str
) -> None:
    (fault,) = faults(tmp_path, listed=listed, beside=beside, good=good)
    assert fault.endswith(said)


def test_the_same_signature_in_both_places_is_right(tmp_path: Path) -> None:
    assert faults(tmp_path, listed=b"signature", beside=b"signature") == []
