"""A repository of packed packages with the real repo-add and gpg, read back with pyalpm."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo import files
from pkgafdo.errors import ArtifactError, CommandError, ConfigError, HostError
from pkgafdo.pacman import alpm, sync_db
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from pkgafdo.workflows.repo import Addition, add
from pkgafdo.workflows.repo_check import check

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

KEY = "repo at example dot org"
PROFILE = {"profile_sha256": "ab" * 32, "functions": 7}


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Somebody with a repository, packages in another folder, and perhaps a key."""

    folder: Path
    runner: LocalRunner
    gnupghome: str = ""

    @property
    def database(self) -> Path:
        return self.folder / "repo/mine.db.tar.zst"

    @property
    def env(self) -> dict[str, str]:
        return {"GNUPGHOME": self.gnupghome} if self.gnupghome else {}

    def pack(self, name: str = "linux-toy", version: str = "7.2.13-1", text: str = "") -> Path:
        """Pack a package with bsdtar, as makepkg does; the kernel's ships its provenance."""
        tree = self.folder / f"{name}-{version}.tree"
        docs = tree / "usr/share/doc/linux-toy"
        docs.mkdir(parents=True)
        (docs / f"{name}.txt").write_text(text or name)
        if name == "linux-toy":
            (docs / "provenance.txt").write_text("salt: pkgafdo:autofdo:ab\nlto: LTO_CLANG_THIN\n")
            (docs / "kernel-ab.afdo.json").write_text(json.dumps(PROFILE))
        info = {"pkgname": name, "pkgbase": "linux-toy", "pkgver": version, "pkgdesc": "toy"}
        info |= {"url": "", "builddate": "1", "packager": "me", "size": "1", "arch": "x86_64"}
        (tree / ".PKGINFO").write_text("".join(f"{key} = {value}\n" for key, value in info.items()))
        path = self.folder / f"{name}-{version}-x86_64.pkg.tar.zst"
        argv = ("bsdtar", "--zstd", "-cf", str(path), ".PKGINFO", "usr")
        self.runner.run(Command(argv=argv, cwd=tree))
        shutil.rmtree(tree)
        return path

    def add(self, *packages: Path, **more: Any) -> dict[str, Any]:
        order = Addition(
            database=self.database,
            packages=packages,
            key=KEY if self.gnupghome else "",
            gnupghome=self.gnupghome,
        )
        return add(self.runner, replace(order, **more))

    def check(self) -> dict[str, Any]:
        return check(self.runner, self.database, env=self.env)

    def state(self) -> dict[str, bytes]:
        repo = self.database.parent
        return {path.name: path.read_bytes() for path in repo.iterdir() if path.is_file()}


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    for program in ("repo-add", "bsdtar", "gpg", "zstd"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    # GnuPG's socket needs a short path, and its folder is nobody else's.
    with tempfile.TemporaryDirectory(prefix="repo-") as name:
        env = {"PATH": os.environ["PATH"], "HOME": name, "LANG": "C.UTF-8"}
        yield Publisher(folder=Path(name), runner=LocalRunner(env=env))


@pytest.fixture
def signing(publisher: Publisher) -> Iterator[Publisher]:
    """The same with a key of its own, which is thrown away."""
    home = publisher.folder / "g"
    home.mkdir(mode=0o700)
    made = replace(publisher, gnupghome=str(home))
    argv = ("gpg", "--batch", "--passphrase", "", "--quick-gen-key", KEY, "default", "default")
    publisher.runner.run(Command(argv=argv, env=made.env))
    yield made
    publisher.runner.run(Command(argv=("gpgconf", "--kill", "all"), env=made.env))


def test_a_built_set_is_added_and_read_back(publisher: Publisher) -> None:
    packages = [publisher.pack(), publisher.pack("linux-toy-headers")]
    result = publisher.add(*packages)
    assert result["packages"] == {"linux-toy": "7.2.13-1", "linux-toy-headers": "7.2.13-1"}
    assert result["provenance"] == ["linux-toy-7.2.13-1.provenance.json"]
    assert not result["signed"]
    found = publisher.check()
    assert (found["faults"], found["notes"]) == ([], [])
    assert found["packages"] == result["packages"]
    repo = publisher.database.parent
    published = files.read_json(repo / "linux-toy-7.2.13-1.provenance.json")
    assert published["profile"] == PROFILE
    assert published["build"]["lto"] == "LTO_CLANG_THIN"
    assert published["packages"] == {path.name: files.sha256_file(path) for path in packages}
    assert (repo / "mine.db").resolve() == publisher.database.resolve()
    assert sorted(path.name for path in repo.iterdir()) == sorted([
        *(path.name for path in packages), "linux-toy-7.2.13-1.provenance.json",
        "mine.db", "mine.db.tar.zst", "mine.files", "mine.files.tar.zst",
    ])  # fmt: skip


def test_pacman_installs_from_the_signed_repository(signing: Publisher) -> None:
    signing.add(signing.pack(), signing.pack("linux-toy-headers"))
    assert signing.check()["faults"] == []
    root = signing.folder / "root"
    (root / "var/lib/pacman").mkdir(parents=True)
    (root / "cache").mkdir()  # pacman 7.1 does not make it
    config = signing.folder / "pacman.conf"
    config.write_text(
        "[options]\nArchitecture = x86_64\nSigLevel = Required TrustAll\n"
        f"GPGDir = {signing.gnupghome}\n[mine]\nServer = file://{signing.database.parent}\n"
    )
    words = ("--root", str(root), "--config", str(config), "--cachedir", str(root / "cache"))
    as_root = () if os.geteuid() == 0 else ("fakeroot", "--")
    argv = (*as_root, "pacman", "-Sy", "--noconfirm", *words, "linux-toy")
    signing.runner.run(Command(argv=argv))
    assert (root / "usr/share/doc/linux-toy/provenance.txt").is_file()


def test_a_folder_that_pacmans_download_user_cannot_enter_is_noted(publisher: Publisher) -> None:
    if pwd.getpwuid(os.geteuid()).pw_name == "nobody":
        pytest.skip("nobody is the one who asks")
    publisher.add(publisher.pack())
    tool = publisher.folder / "bin/pacman-conf"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\n[ "$1" = DownloadUser ] && echo nobody\n')
    tool.chmod(0o755)
    env = {**publisher.runner.env, "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    asking = replace(publisher, runner=LocalRunner(env=env))
    publisher.folder.chmod(0o700)
    notes = asking.check()["notes"]
    assert len(notes) == len(publisher.check()["notes"]) + 1
    assert f"the user nobody, who cannot enter {publisher.folder}" in notes[-1]
    assert f"chmod o+x {publisher.folder}" in notes[-1]
    publisher.folder.chmod(0o711)
    assert asking.check()["notes"] == publisher.check()["notes"]


def test_everything_is_signed_with_the_key_and_a_change_is_seen(signing: Publisher) -> None:
    package = signing.pack()
    result = signing.add(package)
    assert result["signed"]
    repo = signing.database.parent
    signed = {path.name for path in repo.glob("*.sig")}
    assert signed >= {
        "mine.db.tar.zst.sig", "mine.files.tar.zst.sig", f"{package.name}.sig",
        "linux-toy-7.2.13-1.provenance.json.sig",
    }  # fmt: skip
    assert not package.with_name(f"{package.name}.sig").exists()
    for name in ("linux-toy-7.2.13-1.provenance.json", "mine.files.tar.zst"):
        kept = (repo / name).read_bytes()
        (repo / name).write_bytes(kept + b"\n")
        assert f"{name} has no good signature" in signing.check()["faults"]
        (repo / name).write_bytes(kept)
    assert signing.check()["faults"] == []


def test_adding_the_same_again_changes_nothing(signing: Publisher) -> None:
    package = signing.pack()
    signing.add(package)
    before = signing.state()
    assert signing.add(package)["added"] == []
    assert signing.state() == before


def test_a_file_that_went_missing_or_changed_comes_back(publisher: Publisher) -> None:
    package, headers = publisher.pack(), publisher.pack("linux-toy-headers")
    publisher.add(package, headers)
    (publisher.database.parent / package.name).unlink()
    (publisher.database.parent / headers.name).write_bytes(b"other")
    (publisher.database.parent / "mine.db").unlink()
    assert set(publisher.add(package, headers)["added"]) == {package.name, headers.name}
    assert publisher.check()["faults"] == []
    (publisher.database.parent / "mine.files").unlink()
    assert publisher.add(package, headers)["added"] == []
    assert publisher.check()["faults"] == []


def test_a_key_signs_what_an_unsigned_repository_has_already(signing: Publisher) -> None:
    package = signing.pack()
    assert not signing.add(package, key="")["signed"]
    assert signing.add(package)["signed"]
    found = signing.check()
    assert (found["signed"], found["faults"]) == (True, [])
    assert signing.add(package)["added"] == []


def test_a_newer_version_takes_the_place_of_the_older_one(signing: Publisher) -> None:
    signing.add(signing.pack())
    result = signing.add(signing.pack(version="7.2.13-2"))
    assert result["packages"] == {"linux-toy": "7.2.13-2"}
    found = signing.check()
    assert found["faults"] == []
    assert found["notes"] == ["linux-toy-7.2.13-1-x86_64.pkg.tar.zst is in no database"]


def test_a_downgrade_and_another_package_of_the_same_version_are_refused(
    publisher: Publisher,
) -> None:
    publisher.add(publisher.pack())
    before = publisher.state()
    with pytest.raises(ArtifactError, match="which is newer than"):
        publisher.add(publisher.pack(version="7.2rc1-1"))
    with pytest.raises(ArtifactError, match="has another linux-toy"):
        publisher.add(publisher.pack(text="other"))
    assert publisher.state() == before


def test_a_signed_repository_is_not_changed_without_the_key(signing: Publisher) -> None:
    signing.add(signing.pack())
    before = signing.state()
    with pytest.raises(ConfigError, match="must be signed again"):
        signing.add(signing.pack(version="7.2.13-2"), key="")
    assert signing.state() == before


def test_a_database_with_a_bad_signature_is_not_changed(signing: Publisher) -> None:
    signing.add(signing.pack())
    signature = signing.database.with_name("mine.db.tar.zst.sig")
    shutil.copy(signing.database.with_name("mine.files.tar.zst.sig"), signature)
    before = signing.state()
    with pytest.raises(CommandError, match="repo-add"):
        signing.add(signing.pack(version="7.2.13-2"))
    assert signing.state() == before


def test_a_key_that_cannot_sign_leaves_no_trace(publisher: Publisher) -> None:
    with pytest.raises(HostError, match="no secret key nobody at example dot org"):
        publisher.add(publisher.pack(), key="nobody at example dot org")
    assert not publisher.database.parent.exists()


def test_api_headers_never_come_into_a_repository(publisher: Publisher) -> None:
    result = publisher.add(publisher.pack(), publisher.pack("linux-toy-api-headers"))
    assert set(result["packages"]) == {"linux-toy"}
    with pytest.raises(ArtifactError, match="no package to add"):
        publisher.add(publisher.folder / "linux-toy-api-headers-7.2.13-1-x86_64.pkg.tar.zst")


def test_what_is_no_package_is_refused(publisher: Publisher) -> None:
    bad = publisher.folder / "bad.pkg.tar.zst"
    bad.write_text("no package")
    with pytest.raises(ArtifactError, match="is not a pacman package"):
        publisher.add(publisher.pack(), bad)
    assert not publisher.database.exists()


def test_a_package_that_is_not_there_is_named(publisher: Publisher) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        publisher.add(publisher.folder / "linux-gone-1-1-x86_64.pkg.tar.zst")
    assert "linux-gone-1-1" in caught.value.message
    assert not publisher.database.parent.exists()


def test_two_at_once_are_kept_apart_as_repo_add_does(publisher: Publisher) -> None:
    publisher.add(publisher.pack())
    lock = publisher.database.with_name("mine.db.tar.zst.lck")
    lock.write_text("1234\n")
    with pytest.raises(HostError, match="is being changed") as caught:
        publisher.add(publisher.pack(version="7.2.13-2"))
    assert "1234" in caught.value.details
    lock.unlink()


def test_repo_add_itself_stays_out_meanwhile(publisher: Publisher) -> None:
    from pkgafdo.packaging import repo

    place = repo.repo_at(publisher.database)
    place.folder.mkdir()
    with repo.locked(place), pytest.raises(CommandError) as caught:
        publisher.runner.run(Command(argv=("repo-add", str(publisher.database))))
    assert "lock" in caught.value.details


def test_what_is_wrong_with_a_repository_is_named(publisher: Publisher) -> None:
    package = publisher.pack()
    headers = publisher.pack("linux-toy-headers")
    publisher.add(package, headers)
    repo = publisher.database.parent
    (repo / package.name).write_bytes(b"other")
    (repo / headers.name).unlink()
    (repo / "mine.db").unlink()
    assert publisher.check()["faults"] == [
        "mine.db does not lead to mine.db.tar.zst",
        f"{package.name} is not the file that the database describes",
        f"linux-toy-headers 7.2.13-1: {headers.name} is missing",
        f"linux-toy-7.2.13-1.provenance.json is of another {package.name}",
    ]


def test_without_pyalpm_the_same_is_read_from_the_archive(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.add(publisher.pack(), publisher.pack("linux-toy-headers"))
    if not alpm.usable():
        pytest.skip("pyalpm is not installed")
    found = sync_db.read_database(publisher.runner, publisher.database)
    monkeypatch.setitem(__import__("sys").modules, "pyalpm", None)
    assert not alpm.usable()
    assert sync_db.read_database(publisher.runner, publisher.database) == found
    assert [entry.name for entry in found] == ["linux-toy", "linux-toy-headers"]


@pytest.mark.parametrize("with_alpm", [True, False])
def test_a_damaged_database_is_said(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, with_alpm: bool
) -> None:
    publisher.database.parent.mkdir()
    publisher.database.write_bytes(b"no archive at all")
    if not with_alpm:
        monkeypatch.setitem(__import__("sys").modules, "pyalpm", None)
    with pytest.raises(ArtifactError, match="cannot be read as a repository's database"):
        publisher.check()
