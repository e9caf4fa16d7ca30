"""Sources through the real bsdtar, git, find, apt-config and dpkg."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files
from pkgafdo.errors import ArtifactError, CommandError
from pkgafdo.kernel import fetch, fetch_apt, identity
from pkgafdo.kernel.debian_version import compare_versions
from pkgafdo.kernel.settings import SourceSettings
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from tests.fakes import kernel_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

HOST = fetch.SourceHost(keyring=None, is_root=os.geteuid() == 0)


@pytest.fixture
def runner(tmp_path) -> LocalRunner:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@localhost",
        "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@localhost",
    }  # fmt: skip
    return LocalRunner(env=env, logs=tmp_path / "logs")


def need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.fixture
def tarball(tmp_path: Path, runner) -> Path:
    need("bsdtar")
    kernel_tree.make_tree(tmp_path / "make/linux-7.2.13")
    path = tmp_path / "linux-7.2.13.tar.gz"
    runner.run(
        Command(argv=("bsdtar", "-czf", str(path), "-C", str(tmp_path / "make"), "linux-7.2.13"))
    )
    return path


@pytest.fixture
def repository(tmp_path, runner) -> Path:
    need("git")
    path = kernel_tree.make_tree(tmp_path / "repository")
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-qm", "first"),
        ("tag", "-a", "v7.2", "-m", "release"),
        ("commit", "-q", "--allow-empty", "-m", "second"),
    ):
        runner.run(Command(argv=("git", *words), cwd=path))
    return path


def test_a_tarball_is_unpacked_without_its_top_folder(tmp_path, runner, tarball):
    settings = SourceSettings(location=str(tarball), sha256=files.sha256_file(tarball))
    found = fetch.fetch(runner, settings, cache=tmp_path / "cache", host=HOST)
    assert found.version == "7.2.13"
    assert (found.path / "arch/Kconfig").is_file()


def test_a_cut_off_tarball_is_refused_and_leaves_nothing(tmp_path, runner, tarball):
    tarball.write_bytes(tarball.read_bytes()[:300])
    with pytest.raises(ArtifactError, match="could not be unpacked"):
        fetch.fetch(
            runner, SourceSettings(location=str(tarball)), cache=tmp_path / "cache", host=HOST
        )
    assert list((tmp_path / "cache/sources").iterdir()) == []


def head(runner: LocalRunner, repository: Path, name: str) -> str:
    words = ("git", "rev-parse", f"{name}^{{commit}}")
    return runner.query(Command(argv=words, cwd=repository)).stdout.strip()


@pytest.mark.parametrize("branch", ["main", "v7.2", ""])
def test_a_branch_or_tag_is_cloned_shallow(tmp_path, runner, repository, branch):
    settings = SourceSettings(location=f"file://{repository}", branch=branch)
    found = fetch.fetch(runner, settings, cache=tmp_path / "cache", host=HOST)
    assert found.digest == head(runner, repository, branch or "HEAD")
    count = runner.query(Command(argv=("git", "rev-list", "--count", "HEAD"), cwd=found.path))
    assert count.stdout.strip() == "1"


def test_a_repository_that_is_not_there_is_a_failed_command(tmp_path, runner):
    need("git")
    settings = SourceSettings(location=f"file://{tmp_path}/nowhere")
    with pytest.raises(CommandError, match="git failed") as caught:
        fetch.fetch(runner, settings, cache=tmp_path / "cache", host=HOST)
    assert "Check the URL" in caught.value.hint


def test_a_git_folder_is_its_commit_and_is_not_written_to(runner, repository):
    index = repository / ".git/index"
    os.utime(repository / "Kconfig")  # now the index is stale, and git would like to refresh it
    before = index.read_bytes()
    clean = fetch.from_folder(runner, repository)
    assert (clean.digest, clean.kind) == (head(runner, repository, "HEAD"), "git")
    (repository / "Kconfig").write_text("changed")
    (repository / "new").write_text("")
    dirty = identity.git_digest(runner, repository)
    assert dirty.startswith(f"{clean.digest}-dirty-")
    (repository / "Kconfig").write_text("changed again")
    assert identity.git_digest(runner, repository) != dirty
    assert index.read_bytes() == before


def test_an_edited_file_that_git_does_not_track_is_seen_and_an_ignored_one_is_not(
    runner, repository
):
    clean = identity.git_digest(runner, repository)
    kernel_tree.write_files(repository, {".git/info/exclude": "*.o\n", "drivers/new.o": "object"})
    assert identity.git_digest(runner, repository) == clean
    kernel_tree.write_files(repository, {"drivers/ä new.c": "int a;"})
    first = identity.git_digest(runner, repository)
    (repository / "drivers/ä new.c").write_text("int b, c;")
    assert len({clean, first, identity.git_digest(runner, repository)}) == 3


def test_our_apt_configuration_is_read_after_the_systems(tmp_path, runner):
    need("apt-config")
    conf = tmp_path / "apt.conf"
    conf.write_text(fetch_apt.apt_conf(tmp_path, is_root=True))
    argv = ("apt-config", "-c", str(conf), "dump")
    dump = runner.query(Command(argv=argv)).stdout.splitlines()
    assert f'Dir::State::lists "{tmp_path}/lists";' in dump
    assert f'Dir::Etc::sourcelist "{tmp_path}/sources.list";' in dump
    assert 'Dir::Etc::sourceparts "/dev/null";' in dump
    hooks = [line for line in dump if line.startswith("APT::Update::Post-Invoke")]
    assert all(line.endswith(' "";') for line in hooks), "a hook of the system would still run"


VERSIONS = (
    "6.9.1-1", "6.13.1-1", "7.2.13-1~bpo13+1", "7.2.13-1", "7.2~rc4-1~exp1", "7.2~rc4-1", "7.2-1",
    "7.2.13-1+b1", "1:0.1-1", "1.0", "1.0-1", "1.0a-1", "1.0+-1", "1.0~~", "1.0~", "1.02-1", "1.2-1",
)  # fmt: skip


def test_versions_are_ordered_as_the_real_dpkg_orders_them(runner):
    need("dpkg")
    pairs = [(left, right) for left in VERSIONS for right in VERSIONS]
    for left, right in pairs:
        command = Command(
            argv=("dpkg", "--compare-versions", left, "lt", right), accept=frozenset({0, 1})
        )
        older = runner.query(command).returncode == 0
        assert (compare_versions(left, right) < 0) is older, (left, right)
