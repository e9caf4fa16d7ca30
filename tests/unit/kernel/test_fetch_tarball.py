from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, CommandError, ConfigError
from pkgafdo.kernel import fetch_tarball
from pkgafdo.runner.command import Command, Result
from tests.fakes import kernel_tree
from tests.fakes.runner import FakeRunner

CONTENT = b"a tarball, says its name"
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    path = tmp_path / "linux-7.2.tar.xz"
    path.write_bytes(CONTENT)
    return path


def bsdtar(*, autofdo: bool = True) -> FakeRunner:
    """A bsdtar that unpacks the fake tree whatever the tarball holds."""

    def answer(command: Command) -> Result:
        folder = Path(command.argv[command.argv.index("-C") + 1])
        kernel_tree.make_tree(folder, autofdo=autofdo)
        return Result(returncode=0)

    return FakeRunner(answers={"bsdtar": answer})


def kept(cache: Path) -> list[str]:
    return sorted(entry.name for entry in (cache / "sources").glob("*"))


def test_a_tarball_is_unpacked_once_and_known_by_its_digest(tmp_path, tarball):
    runner = bsdtar()
    cache = tmp_path / "cache"
    first = fetch_tarball.from_file(runner, tarball, "", cache=cache)
    second = fetch_tarball.from_file(runner, tarball, SHA, cache=cache)
    assert first == second
    assert (first.version, first.digest, first.kind) == ("7.2.13", SHA, "tarball")
    assert first.origin == str(tarball)
    assert len(runner.ran) == 1
    assert kept(cache) == [f"sha256-{SHA[:32]}"]


def test_a_wrong_checksum_shows_both_and_unpacks_nothing(tmp_path, tarball):
    wrong = "0" * 64
    with pytest.raises(ArtifactError, match="not the tarball that was asked for") as caught:
        fetch_tarball.from_file(FakeRunner(), tarball, wrong, cache=tmp_path / "cache")
    assert wrong in caught.value.details
    assert SHA in caught.value.details
    assert not (tmp_path / "cache").exists()
    assert tarball.is_file()


def test_an_interrupted_unpacking_is_begun_anew(tmp_path, tarball):
    cache = tmp_path / "cache"
    half = fetch_tarball.begin(cache, f"sha256-{SHA[:32]}")
    (half / "half-written").write_text("")
    found = fetch_tarball.from_file(bsdtar(), tarball, "", cache=cache)
    assert not (found.path / "half-written").exists()
    assert kept(cache) == [f"sha256-{SHA[:32]}"]


def test_a_tarball_that_cannot_be_unpacked_leaves_nothing(tmp_path, tarball):
    runner = FakeRunner(
        answers={"bsdtar": Result(returncode=1, stderr="Unrecognized archive format")}
    )
    with pytest.raises(ArtifactError, match="could not be unpacked") as caught:
        fetch_tarball.from_file(runner, tarball, "", cache=tmp_path)
    assert "Unrecognized archive format" in caught.value.details
    assert kept(tmp_path) == []


def test_a_tarball_of_something_else_is_refused_and_leaves_nothing(tmp_path, tarball):
    runner = FakeRunner(answers={"bsdtar": Result(returncode=0)})
    with pytest.raises(ArtifactError, match="holds no Linux kernel") as caught:
        fetch_tarball.from_file(runner, tarball, "", cache=tmp_path)
    assert "no Makefile" in caught.value.details
    assert kept(tmp_path) == []


def test_a_missing_tarball_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no tarball"):
        fetch_tarball.from_file(FakeRunner(), tmp_path / "x.tar", "", cache=tmp_path)


def test_a_url_that_was_unpacked_before_needs_no_network(tmp_path, tarball):
    before = fetch_tarball.from_file(bsdtar(), tarball, "", cache=tmp_path)
    url = "https://example.org/linux.tar.xz"
    found = fetch_tarball.from_url(FakeRunner(), url, SHA, cache=tmp_path)
    assert (found.path, found.origin) == (before.path, url)


def test_a_downloaded_tarball_is_unpacked_and_not_kept_twice(tmp_path, tarball):
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    waiting = tarball.rename(downloads / "linux.tar.xz")  # the user put it there by hand
    url = "https://example.org/linux.tar.xz"
    found = fetch_tarball.from_url(bsdtar(), url, SHA, cache=tmp_path)
    assert found.digest == SHA
    assert not waiting.exists()


def test_the_pinned_release_is_a_kernel_org_tarball_with_a_checksum():
    pin = fetch_tarball.PINNED
    assert pin.url == f"https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-{pin.version}.tar.xz"
    assert len(bytes.fromhex(pin.sha256)) == 32
    assert tuple(map(int, pin.version.split(".")[:2])) >= (6, 13)


def test_the_failure_of_another_program_is_not_mistaken_for_a_bad_tarball(tmp_path, tarball):
    runner = FakeRunner(missing={"bsdtar"})
    with pytest.raises(Exception, match="bsdtar is not installed") as caught:
        fetch_tarball.from_file(runner, tarball, "", cache=tmp_path)
    assert not isinstance(caught.value, (ArtifactError, CommandError))
