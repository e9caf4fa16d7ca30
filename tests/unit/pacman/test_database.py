"""Reading which packages are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.pacman import alpm, database, program
from pkgafdo.pacman.package import InstalledPackage
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner
from tests.unit.pacman.local_db import FakeRoot


@pytest.fixture
def root(tmp_path: Path) -> FakeRoot:
    found = FakeRoot(tmp_path.resolve() / "root")
    found.add("linux-x", "usr/", "usr/lib/a file with spaces", base="linux-x", version="7.2-1")
    found.add("linux-x-debug", "usr/", "usr/src/vmlinux", base="linux-x", version="7.2-1")
    found.add("old", "etc/", "etc/old.conf")
    return found


@pytest.fixture
def without_pyalpm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyalpm", None)


EXPECTED = (
    InstalledPackage(name="linux-x", version="7.2-1", base="linux-x"),
    InstalledPackage(name="linux-x-debug", version="7.2-1", base="linux-x"),
    InstalledPackage(name="old", version="1.0-1", base="old"),
)


def check_reading(root: FakeRoot) -> None:
    runner = root.runner()
    assert database.installed(runner, root=root.path) == EXPECTED
    assert database.files_of(runner, ["linux-x", "old"], root=root.path) == {
        "linux-x": ("usr/", "usr/lib/a file with spaces"),
        "old": ("etc/", "etc/old.conf"),
    }
    assert database.files_of(runner, [], root=root.path) == {}


@pytest.mark.skipif(not alpm.usable(), reason="pyalpm is not installed")
def test_packages_are_read_with_pyalpm(root: FakeRoot) -> None:
    check_reading(root)
    assert root.runner().queried == []


@pytest.mark.usefixtures("without_pyalpm")
def test_packages_are_read_with_pacman_where_pyalpm_cannot_be_imported(root: FakeRoot) -> None:
    check_reading(root)


@pytest.mark.usefixtures("without_pyalpm")
def test_a_root_behind_a_link_gives_the_same_paths(root: FakeRoot, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root.path)
    assert database.files_of(root.runner(), ["old"], root=link) == {"old": ("etc/", "etc/old.conf")}


def test_pacman_is_asked_below_the_root_only() -> None:
    assert program.list_command(Path("/r"), Path("/r/db")).argv == (
        *("pacman", "--root", "/r", "--dbpath", "/r/db", "-Q"),
    )
    assert program.files_command(Path("/r"), Path("/r/db"), ["a", "b"]).argv == (
        *("pacman", "--root", "/r", "--dbpath", "/r/db", "-Ql", "--", "a", "b"),
    )


def test_the_file_list_of_the_system_root_has_no_leading_slash() -> None:
    found = program.parse_files("a /usr/\na /usr/x\n", root=Path("/"), names=["a"])
    assert found == {"a": ("usr/", "usr/x")}


def test_a_folder_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no pacman database") as caught:
        database.installed(FakeRunner(), root=tmp_path)
    assert "--root" in caught.value.hint


@pytest.mark.skipif(not alpm.usable(), reason="pyalpm is not installed")
def test_asking_for_the_files_of_an_absent_package_is_refused(root: FakeRoot) -> None:
    with pytest.raises(ArtifactError, match="nothing is not installed"):
        database.files_of(root.runner(), ["nothing"], root=root.path)


@pytest.mark.usefixtures("without_pyalpm")
def test_a_damaged_entry_is_reported(root: FakeRoot) -> None:
    (root.path / "var/lib/pacman/local/old-1.0-1/desc").unlink()
    with pytest.raises(ArtifactError, match="damaged"):
        database.installed(root.runner(), root=root.path)


def test_the_system_database_is_where_pacman_says(tmp_path: Path) -> None:
    runner = FakeRunner(answers={"pacman-conf": Result(returncode=0, stdout=f"{tmp_path}/db/\n")})
    with pytest.raises(ArtifactError) as caught:
        database.installed(runner, root=database.SYSTEM)
    assert f"{tmp_path}/db/local is missing" in caught.value.details


@pytest.mark.skipif(not alpm.usable(), reason="pyalpm is not installed")
def test_versions_compare_as_pacman_compares_them() -> None:
    runner = FakeRunner()
    assert database.compare_versions(runner, "7.0.0rc7_x-1", "7.0.0-1") < 0
    assert database.compare_versions(runner, "1:1-1", "2-1") > 0
    assert database.compare_versions(runner, "1-1", "1-1") == 0


@pytest.mark.usefixtures("without_pyalpm")
def test_versions_are_compared_by_vercmp_without_pyalpm() -> None:
    runner = FakeRunner(answers={"vercmp": Result(returncode=0, stdout="-1\n")})
    assert database.compare_versions(runner, "1-1", "2-1") == -1
    assert runner.queried[0].argv == ("vercmp", "1-1", "2-1")


@pytest.mark.usefixtures("without_pyalpm")
def test_no_packages_are_no_error_though_pacman_ends_with_one(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path / "root")
    runner = FakeRunner(answers={"-Q": Result(returncode=1)})
    assert database.installed(runner, root=root.path) == ()


@pytest.mark.usefixtures("without_pyalpm")
def test_a_database_that_pacman_cannot_read_is_reported(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path / "root")
    said = "error: failed to initialize alpm library\n"
    runner = FakeRunner(answers={"-Q": Result(returncode=1, stderr=said)})
    with pytest.raises(ArtifactError, match="cannot be read") as caught:
        database.installed(runner, root=root.path)
    assert "failed to initialize" in caught.value.details
