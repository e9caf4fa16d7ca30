from __future__ import annotations

import re
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.kernel import fetch_apt
from pkgafdo.kernel.fetch_apt import SourcePackage
from pkgafdo.runner.command import Command, Result
from tests.fakes import kernel_tree
from tests.fakes.runner import FakeRunner

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SHOW = """\
Package: linux-source-7.2
Source: linux
Version: 7.2.13-1
Description-en: source
 Version: 99 is not a field here

Package: linux-source-6.17
Version: 6.17.13-1~bpo13+1

Package: linux-source-6.12
Version: 6.12.99-1

Package: linux-doc-7.2
Version: 9.9-1
"""


def test_only_source_packages_that_are_new_enough_count():
    packages = fetch_apt.parse_packages(SHOW)
    assert packages == (
        SourcePackage(name="linux-source-7.2", version="7.2.13-1"),
        SourcePackage(name="linux-source-6.17", version="6.17.13-1~bpo13+1"),
    )
    assert fetch_apt.newest(packages) == packages[0]
    assert fetch_apt.newest(()) is None


@pytest.mark.parametrize(
    ("lines", "mirror"),
    [
        ("Debian|Debian-Security|http://d/debian-security\nDebian|Debian|http://m.example/debian/\n",
         "http://m.example/debian"),
        ("Ubuntu|Ubuntu|http://archive.example/ubuntu\n", None),
        ("Debian|Debian|cdrom:[Debian]\n", None),
        ("||http://m.example/debian-security\n||http://m.example/debian\n", "http://m.example/debian"),
        ("", None),
        ("garbage\n", None),
    ],
)  # fmt: skip
def test_the_systems_own_debian_mirror_is_used(lines, mirror):
    assert fetch_apt.mirror_from(lines) == mirror


def test_every_path_of_our_apt_lies_in_our_folder(tmp_path):
    conf = fetch_apt.apt_conf(tmp_path, is_root=True)
    paths = re.findall(r'"(/[^"]*)";', conf)
    assert all(path == "/dev/null" or path.startswith(str(tmp_path)) for path in paths)
    assert 'Dir::State::lists "' in conf
    assert 'APT::Sandbox::User "root";' in conf
    assert "#clear APT::Update::Post-Invoke;" in conf
    assert "Sandbox" not in fetch_apt.apt_conf(tmp_path, is_root=False)


def test_the_sources_are_signed_and_name_two_suites():
    lines = fetch_apt.sources_list("http://m.example/debian", KEYRING).splitlines()
    assert lines == [
        f"deb [signed-by={KEYRING} target=Packages] http://m.example/debian {suite} main"
        for suite in ("trixie-backports", "sid")
    ]


def apt(show: str = SHOW) -> FakeRunner:
    """An apt whose download and unpacking leave the files that the real ones leave."""

    def download(command: Command) -> Result:
        assert command.cwd is not None
        (command.cwd / "linux-source-7.2_7.2.13-1_all.deb").write_text("")
        return Result(returncode=0)

    def dpkg_deb(command: Command) -> Result:
        kernel_tree.write_files(Path(command.argv[-1]), {"usr/src/linux-source-7.2.tar.xz": "x"})
        return Result(returncode=0)

    def bsdtar(command: Command) -> Result:
        kernel_tree.make_tree(Path(command.argv[command.argv.index("-C") + 1]))
        return Result(returncode=0)

    names = [line.split()[1] for line in show.splitlines() if line.startswith("Package: ")]
    listed = "".join(f"{name} - Linux kernel source\n" for name in names)
    return FakeRunner(
        answers={
            "indextargets": Result(returncode=0, stdout="Debian|Debian|http://m.example/debian\n"),
            "update": Result(returncode=0),
            "search": Result(returncode=0, stdout=listed),
            "show": Result(returncode=0, stdout=show),
            "download": download,
            "dpkg-deb": dpkg_deb,
            "bsdtar": bsdtar,
        }
    )


def test_the_newest_source_is_downloaded_once(tmp_path):
    runner = apt()
    first = fetch_apt.from_apt(runner, cache=tmp_path, keyring=KEYRING, is_root=True)
    programs = [command.argv[0] for command in runner.ran]
    second = fetch_apt.from_apt(runner, cache=tmp_path, keyring=KEYRING, is_root=True)
    assert first == second
    assert first.origin == "Debian linux-source-7.2 7.2.13-1"
    assert (first.version, first.kind) == ("7.2.13", "tarball")
    assert programs == ["apt-get", "apt-get", "dpkg-deb", "bsdtar"]
    assert [command.argv[3] for command in runner.ran[4:]] == ["update"]
    assert not (tmp_path / "apt/download").exists()


def test_apt_is_always_asked_with_our_configuration(tmp_path):
    runner = apt()
    fetch_apt.from_apt(runner, cache=tmp_path, keyring=KEYRING, is_root=True)
    apts = [c for c in (*runner.ran, *runner.queried) if c.argv[0] in {"apt-get", "apt-cache"}]
    own = [c for c in apts if "indextargets" not in c.argv]
    assert len(own) == 4
    assert all(c.argv[1:3] == ("-c", str(tmp_path / "apt/apt.conf")) for c in own)


def test_an_archive_without_a_new_kernel_says_what_was_found(tmp_path):
    show = "Package: linux-source-6.12\nVersion: 6.12.99-1\n"
    with pytest.raises(ArtifactError, match=r"no linux-source of 6\.13 or newer") as caught:
        fetch_apt.from_apt(apt(show), cache=tmp_path, keyring=KEYRING, is_root=False)
    assert "found linux-source-6.12" in caught.value.details
    assert "source.location" in caught.value.hint


def test_an_archive_without_any_source_is_refused_too(tmp_path):
    with pytest.raises(ArtifactError, match="no linux-source"):
        fetch_apt.from_apt(apt(""), cache=tmp_path, keyring=KEYRING, is_root=False)


def test_a_system_without_a_debian_mirror_is_told_the_other_sources(tmp_path):
    runner = FakeRunner(
        answers={"apt-get": Result(returncode=0, stdout="Ubuntu|Ubuntu|http://u\n")}
    )
    with pytest.raises(HostError, match="no mirror of the Debian archive") as caught:
        fetch_apt.prepare(runner, tmp_path / "apt", Path("/keyring"), is_root=True)
    assert "source.location" in caught.value.hint
    assert runner.ran == []
