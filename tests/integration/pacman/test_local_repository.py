"""A file:// repository, read by pacman as itself and, from 7.0 on, as its download user."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pkgafdo.pacman import install
from pkgafdo.runner.command import Command, Result
from tests.integration.packages import pack

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

CLOSED = re.compile(r"Could(?: not|n't) open file")  # newer and older curl


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A repository with one package, and a pacman that may install from it into a root."""

    runner: LocalRunner
    folder: Path

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    def install(self, settings: str = "", *options: str) -> Result:
        root = self.folder / "root"
        (root / "var/lib/pacman").mkdir(parents=True, exist_ok=True)
        (root / "cache").mkdir(exist_ok=True)
        config = self.folder / "pacman.conf"
        config.write_text(
            f"[options]\nArchitecture = x86_64\nSigLevel = Never\n{settings}"
            f"[mine]\nServer = file://{self.repo}\n"
        )
        as_root = () if os.geteuid() == 0 else ("fakeroot", "--")
        words = ("--root", str(root), "--config", str(config), "--cachedir", str(root / "cache"))
        argv = (*as_root, "pacman", "-Syy", "--noconfirm", *words, *options, "toy")
        return self.runner.query(Command(argv=argv, accept=frozenset(range(256))))


@pytest.fixture
def reader(runner: LocalRunner, open_folder: Path) -> Reader:
    found = Reader(runner=runner, folder=open_folder)
    found.repo.mkdir()
    package = pack(runner, open_folder, "toy", {"usr/share/toy/file": b"toy"}, base="toy")
    package.path.rename(found.repo / package.path.name)
    words = (str(found.repo / "mine.db.tar.gz"), str(found.repo / package.path.name))
    runner.run(Command(argv=("repo-add", "--nocolor", *words)))
    return found


needs_sandbox = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another user")


def require_sandbox(runner: LocalRunner) -> tuple[str, ...]:
    """Return pacman's option that turns the sandbox off; skip where pacman has none."""
    options = install.sandbox_options(runner)
    if not options:
        pytest.skip("pacman before 7.0 downloads as the one who called it")
    return options


def test_a_package_comes_from_a_folder(reader: Reader) -> None:
    result = reader.install()
    assert result.returncode == 0, result.stderr
    assert (reader.folder / "root/usr/share/toy/file").is_file()


@needs_sandbox
def test_the_download_user_must_be_able_to_enter_the_folder(reader: Reader) -> None:
    off = require_sandbox(reader.runner)
    settings = "DownloadUser = nobody\n"
    open_result = reader.install(settings)
    if "switching to sandbox user" in open_result.stderr:
        pytest.skip("pacman's sandbox is not possible here")
    assert open_result.returncode == 0, open_result.stderr
    reader.repo.chmod(0o700)
    closed = reader.install(settings)
    assert closed.returncode != 0
    assert CLOSED.search(closed.stderr)
    without = [reader.install(settings, *off), reader.install(f"{settings}DisableSandbox\n")]
    if "v7.0." in reader.runner.query(Command(argv=("pacman", "--version"))).stdout:
        # It changes the user all the same: the folder itself must be opened.
        assert all(CLOSED.search(result.stderr) for result in without)
        reader.repo.chmod(0o755)
        without = [reader.install(settings)]
    assert [result.returncode for result in without] == [0] * len(without)
