"""A repository's names, its commands, and how files come into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ConfigError, HostError
from pkgafdo.packaging.repo import (
    Repo,
    find_database,
    locked,
    publish,
    repo_add_command,
    repo_at,
    staging,
)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return repo_at(tmp_path / "mine.db.tar.zst")


def test_a_database_names_its_repository() -> None:
    repo = repo_at(Path("/srv/linux-mine.testing.db.tar.gz"))
    assert (repo.name, repo.suffix) == ("linux-mine.testing", ".tar.gz")
    assert repo.file_lists == "linux-mine.testing.files.tar.gz"


@pytest.mark.parametrize(
    "name", ["mine.tar.zst", "mine.db", "-x.db.tar.zst", "a b.db.tar.zst", "mine.db.tar.zst.sig"]
)
def test_what_is_no_databases_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is not the path of a repository's database"):
        repo_at(Path("/srv") / name)


def test_repo_add_signs_with_a_key_and_verifies_what_is_signed(repo: Repo) -> None:
    packages = (Path("/p/a.pkg.tar.zst"),)
    plain = repo_add_command(repo, packages, staged=Path("/s"), key="", env={}).argv
    assert plain == (
        "repo-add", "--nocolor", "--prevent-downgrade", "/s/mine.db.tar.zst", "/p/a.pkg.tar.zst",
    )  # fmt: skip
    (repo.folder / "mine.db.tar.zst.sig").touch()
    signed = repo_add_command(repo, packages, staged=Path("/s"), key="ABC", env={}).argv
    assert signed[2:6] == ("--verify", "--sign", "--key", "ABC")


def stage(staged: Path, *names: str) -> None:
    for name in names:
        (staged / name).write_text(f"new {name}")


def state(repo: Repo) -> dict[str, str]:
    return {
        path.name: path.read_text()
        for path in repo.folder.iterdir()
        if not path.name.startswith(".")
    }


def test_packages_database_and_links_are_put_in_place(repo: Repo) -> None:
    with staging(repo) as staged:
        stage(staged, repo.database, repo.file_lists, f"{repo.database}.sig", "a.pkg.tar.zst")
        publish(repo, staged, ("a.pkg.tar.zst",))
    assert state(repo) == {
        "a.pkg.tar.zst": "new a.pkg.tar.zst",
        "mine.db": "new mine.db.tar.zst",
        "mine.db.sig": "new mine.db.tar.zst.sig",
        "mine.db.tar.zst": "new mine.db.tar.zst",
        "mine.db.tar.zst.sig": "new mine.db.tar.zst.sig",
        "mine.files": "new mine.files.tar.zst",
        "mine.files.tar.zst": "new mine.files.tar.zst",
    }
    assert not list(repo.folder.glob(".*"))


def test_after_an_error_the_old_database_is_there_with_its_own_signature(repo: Repo) -> None:
    for name in (repo.database, f"{repo.database}.sig"):
        (repo.folder / name).write_text(f"old {name}")
    with staging(repo) as staged:
        stage(staged, f"{repo.database}.sig", "a.pkg.tar.zst")
        (staged / repo.database).unlink()
        (staged / repo.database).write_text("new")
        # A folder in the database's place cannot be replaced by a file.
        (repo.folder / repo.database).unlink()
        (repo.folder / repo.database / "x").mkdir(parents=True)
        with pytest.raises(OSError, match="directory"):
            publish(repo, staged, ("a.pkg.tar.zst",))
    assert (repo.folder / f"{repo.database}.sig").read_text() == f"old {repo.database}.sig"


def test_a_failure_before_publishing_changes_nothing(repo: Repo) -> None:
    (repo.folder / repo.database).write_text("old")

    def fail() -> None:
        with staging(repo) as staged:
            stage(staged, repo.database)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert state(repo) == {repo.database: "old"}
    assert not list(repo.folder.glob(".*"))


def test_what_a_killed_change_left_is_removed(repo: Repo) -> None:
    leftover = repo.folder / ".mine.adding.x"
    leftover.mkdir()
    (leftover / ".pkgafdo").write_text("repository being changed\n")
    with staging(repo):
        assert not leftover.exists()


def test_a_lock_keeps_others_out_and_goes_in_the_end(repo: Repo) -> None:
    with locked(repo), pytest.raises(HostError, match="is being changed"), locked(repo):
        pass
    assert not repo.lock.exists()
    with locked(repo):
        assert repo.lock.read_text().strip().isdecimal()


def test_a_link_whose_file_is_gone_goes_too(repo: Repo) -> None:
    (repo.folder / "mine.db.sig").symlink_to("mine.db.tar.zst.sig")
    with staging(repo) as staged:
        stage(staged, repo.database)
        publish(repo, staged, ())
    assert not (repo.folder / "mine.db.sig").is_symlink()


def test_a_database_is_found_by_its_folder_and_by_its_link(tmp_path) -> None:
    database = tmp_path / "mine.db.tar.zst"
    for name in (database.name, f"{database.name}.sig", f"{database.name}.old", "mine.db"):
        (tmp_path / name).touch()
    for path in (tmp_path, tmp_path / "mine.db", database):
        assert find_database(path) == database
    (tmp_path / "other.db.tar.gz").touch()
    assert find_database(tmp_path / "other.db") == tmp_path / "other.db.tar.gz"
    with pytest.raises(ConfigError, match="several databases") as caught:
        find_database(tmp_path)
    assert caught.value.details == "mine.db.tar.zst\nother.db.tar.gz"


def test_a_folder_without_a_database_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="holds no database"):
        find_database(tmp_path)
    with pytest.raises(ConfigError, match="holds no database"):
        find_database(tmp_path / "absent.db")
