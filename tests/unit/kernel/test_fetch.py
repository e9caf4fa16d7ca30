from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel import fetch, fetch_tarball
from pkgafdo.kernel.settings import SourceSettings
from pkgafdo.runner.command import Result, RunAs
from tests.fakes import kernel_tree
from tests.fakes.runner import FakeRunner

HOST = fetch.SourceHost(keyring=None, is_root=False)
READABLE = Result(returncode=0)


def test_a_folder_is_used_as_it_is(tmp_path):
    tree = kernel_tree.make_tree(tmp_path / "linux")
    before = sorted(tree.rglob("*"))
    runner = FakeRunner(answers={"find": READABLE})
    found = fetch.fetch(runner, SourceSettings(location=str(tree)), cache=tmp_path, host=HOST)
    assert (found.path, found.version, found.kind) == (tree, "7.2.13", "folder")
    assert found.origin == str(tree)
    assert not runner.ran
    assert sorted(tree.rglob("*")) == before


def test_a_link_to_a_tree_is_followed(tmp_path):
    tree = kernel_tree.make_tree(tmp_path / "linux-7.2")
    (tmp_path / "linux").symlink_to(tree)
    assert fetch.from_folder(FakeRunner(), tmp_path / "linux").path == tree


def test_a_missing_folder_and_a_foreign_one_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no kernel source at"):
        fetch.from_folder(FakeRunner(), tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match="not a Linux kernel"):
        fetch.from_folder(FakeRunner(), tmp_path)


@pytest.mark.parametrize(
    "answer",
    [
        Result(returncode=0, stdout="/src/linux/certs/key.pem\n"),
        Result(returncode=1, stderr="find: ‘/src/linux’: Permission denied"),
    ],
)
def test_a_tree_that_the_build_user_cannot_read_is_refused(answer):
    runner = FakeRunner(answers={"find": answer})
    with pytest.raises(ArtifactError, match="cannot read all of /src/linux") as caught:
        fetch.require_readable(runner, Path("/src/linux"))
    assert (answer.stdout + answer.stderr).strip() == caught.value.details
    assert "chmod -R a+rX /src/linux" in caught.value.hint
    assert runner.queried[0].run_as is RunAs.BUILDER


def test_without_apt_the_pinned_release_is_taken(tmp_path):
    pin = fetch_tarball.PINNED
    kernel_tree.make_tree(fetch_tarball.begin(tmp_path, f"sha256-{pin.sha256[:32]}"))
    fetch_tarball.finish(tmp_path, f"sha256-{pin.sha256[:32]}")
    runner = FakeRunner(answers={"find": READABLE}, missing={"apt-get"})
    host = fetch.SourceHost(keyring=Path("/keyring"), is_root=False)
    found = fetch.fetch(runner, SourceSettings(), cache=tmp_path, host=host)
    assert (found.origin, found.digest) == (pin.url, pin.sha256)


def test_without_debians_keyring_apt_is_not_trusted(tmp_path):
    pin = fetch_tarball.PINNED
    kernel_tree.make_tree(fetch_tarball.begin(tmp_path, f"sha256-{pin.sha256[:32]}"))
    fetch_tarball.finish(tmp_path, f"sha256-{pin.sha256[:32]}")
    runner = FakeRunner(answers={"find": READABLE})
    assert fetch.fetch(runner, SourceSettings(), cache=tmp_path, host=HOST).origin == pin.url


def test_a_tarball_by_path_is_unpacked(tmp_path):
    tarball = tmp_path / "linux.tar.xz"
    tarball.write_bytes(b"x")
    key = f"sha256-{hashlib.sha256(b'x').hexdigest()[:32]}"
    kernel_tree.make_tree(fetch_tarball.begin(tmp_path, key))
    fetch_tarball.finish(tmp_path, key)
    runner = FakeRunner(answers={"find": READABLE})
    settings = SourceSettings(location=str(tarball))
    found = fetch.fetch(runner, settings, cache=tmp_path, host=HOST)
    assert found.kind == "tarball"


def test_the_keyring_is_the_first_that_exists(tmp_path):
    (tmp_path / "b").write_text("")
    assert fetch.find_keyring((tmp_path / "a", tmp_path / "b")) == tmp_path / "b"
    assert fetch.find_keyring((tmp_path / "a",)) is None
