"""Installing package files."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo import log
from pkgafdo.artifacts import PackageFile
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.pacman import install
from pkgafdo.runner.command import Command, Result, RunAs
from tests.fakes.runner import FakeRunner
from tests.unit.pacman.local_db import FakeRoot

if TYPE_CHECKING:
    from collections.abc import Iterator


def package(name: str = "linux-x", version: str = "1.0-1") -> PackageFile:
    path = Path(f"/pkgs/{name}-{version}-x86_64.pkg.tar.zst")
    return PackageFile(path=path, pkgname=name, pkgbase=name, pkgver=version, arch="x86_64")


HELP = Result(returncode=0, stdout="  --root <path>\n      --disable-sandbox\n  --sysroot\n")
OLD_HELP = Result(returncode=0, stdout="  -r, --root <path>    set an alternate root\n")


def test_root_installs_with_pacman_itself_and_others_with_fakeroot() -> None:
    root = Path("/w/root")
    plain = install.private_command([package()], root=root, as_root=True)
    faked = install.private_command([package()], root=root, as_root=False)
    assert plain.argv[0] == "pacman"
    assert faked.argv == ("fakeroot", "--", *plain.argv)
    assert plain.run_as is faked.run_as is RunAs.SELF


def test_a_private_installation_leaves_the_host_alone() -> None:
    command = install.private_command([package()], root=Path("/w/root"), as_root=True)
    for option in ("--root", "--config", "--dbpath", "--cachedir", "--logfile", "--hookdir"):
        assert command.argv[command.argv.index(option) + 1].startswith("/w/root"), option
    assert "--noscriptlet" in command.argv
    assert command.argv[-2:] == ("--", str(package().path))


def test_the_system_is_changed_by_a_plain_pacman_as_root() -> None:
    command = install.system_command([package("a"), package("b")])
    assert command.run_as is RunAs.ROOT
    assert command.argv == (
        *("pacman", "-U", "--noconfirm", "--noprogressbar", "--"),
        *(str(package("a").path), str(package("b").path)),
    )


@pytest.mark.parametrize(("answer", "options"), [(HELP, ("--disable-sandbox",)), (OLD_HELP, ())])
def test_the_sandbox_is_turned_off_where_there_is_one(answer: Result, options) -> None:
    assert install.sandbox_options(FakeRunner(answers={"--help": answer})) == options


def test_a_longer_option_of_pacman_7_1_is_not_taken_for_it() -> None:
    answer = Result(returncode=0, stdout="  --disable-sandbox-filesystem\n")
    assert install.sandbox_options(FakeRunner(answers={"--help": answer})) == ()


def test_a_root_is_made_with_its_own_configuration(tmp_path: Path) -> None:
    root = tmp_path / "root"
    install.prepare_root(root)
    assert "SigLevel = Never" in (root / "etc/pacman.conf").read_text()
    assert (root / "var/lib/pacman").is_dir()


def test_the_folders_that_pacman_is_given_are_there(tmp_path: Path) -> None:
    """pacman 7.1 refuses a cache folder that does not exist."""
    root = tmp_path / "root"
    install.prepare_root(root)
    argv = install.private_command([package()], root=root, as_root=True).argv
    for option in ("--root", "--dbpath", "--cachedir", "--hookdir"):
        assert Path(argv[argv.index(option) + 1]).is_dir(), option


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="was not made by pkgafdo"):
        install.prepare_root(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_a_killed_installation_left_is_repaired(tmp_path: Path) -> None:
    path = tmp_path / "root"
    install.prepare_root(path)
    local = path / "var/lib/pacman/local"
    for name, files in {"whole": ("desc", "files"), "half": ("desc",), "early": ("mtree",)}.items():
        (local / name).mkdir(parents=True)
        for file in files:
            (local / name / file).write_text("x")
    (local / "empty").mkdir()
    (local / "empty/desc").touch()
    (local / "empty/files").touch()
    (path / "var/lib/pacman/db.lck").touch()
    install.prepare_root(path)
    assert [entry.name for entry in local.iterdir()] == ["whole"]
    assert not (path / "var/lib/pacman/db.lck").exists()


def fake_pacman(root: FakeRoot) -> FakeRunner:
    """Return a runner whose pacman installs into a root."""
    runner = root.runner()

    def installs(_command: Command) -> Result:
        if "linux-x" not in root.packages:
            root.add("linux-x", "usr/", base="linux-x")
        return Result(returncode=0)

    runner.answers |= {"--help": HELP, "-U": installs}
    return runner


@pytest.fixture
def messages() -> Iterator[StringIO]:
    """What a person would read."""
    stream = StringIO()
    log.use(log.Terminal(stream=stream))
    yield stream
    log.use(log.Terminal())


def test_a_private_installation_returns_what_is_installed_and_says_when_it_was(
    tmp_path: Path, messages: StringIO
) -> None:
    path = tmp_path.resolve() / "root"
    install.prepare_root(path)
    root = FakeRoot(path)
    runner = fake_pacman(root)
    for _ in range(2):
        found = install.install_private(runner, [package()], root=path, as_root=False)
        assert [one.name for one in found] == ["linux-x"]
    assert messages.getvalue().count("linux-x 1.0-1 is installed already; installing it again") == 1
    assert all("--disable-sandbox" in command.argv for command in runner.ran)


def listing(*paths: str) -> Result:
    return Result(returncode=0, stdout="".join(f"{path}\n" for path in (".PKGINFO", *paths)))


def test_the_running_kernel_is_never_replaced() -> None:
    runner = FakeRunner(
        answers={"bsdtar": listing("usr/lib/modules/6.1/", "usr/lib/modules/6.1/a")}
    )
    with pytest.raises(HostError, match=r"would replace the running kernel 6\.1") as caught:
        install.install_system(runner, [package()], running_release="6.1")
    assert runner.ran == []
    assert caught.value.hint


@pytest.mark.parametrize("release", ["6.1", "6.12.3", "7"])
def test_another_kernel_beside_the_running_one_may_be_installed(release: str) -> None:
    install.require_not_running(package(), ["usr/lib/modules/6.12/kernel/a.ko"], release)


def test_the_files_of_a_package_file_are_relative_to_the_root() -> None:
    runner = FakeRunner(answers={"bsdtar": listing("usr/", "usr/a b")})
    assert install.package_files(runner, Path("/p")) == ("usr/", "usr/a b")


def test_a_package_file_is_read_without_pacmans_database() -> None:
    runner = FakeRunner(answers={"bsdtar": listing("usr/")}, missing={"pacman"})
    assert install.package_files(runner, Path("/p")) == ("usr/",)
