"""Making a root: which mirror, which keyring, which LLVM."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner
from tests.modern.making import (
    APT_CONF,
    acquire_settings,
    copy_host_settings,
    debootstrap_command,
    left_out,
    newest_llvm,
    require_keyring,
    require_mirror,
    require_packages,
    user_commands,
)
from tests.modern.place import Place

PLACE = Place(suite="sid", folder=Path("/roots/sid"))


def test_the_mirror_is_that_of_the_systems_apt():
    answer = Result(returncode=0, stdout="Debian|Debian|http://mirror.example/debian/\n")
    assert require_mirror(FakeRunner(answers={"apt-get": answer})) == "http://mirror.example/debian"


def test_without_a_mirror_debootstrap_is_not_started():
    runner = FakeRunner(answers={"apt-get": Result(returncode=0, stdout="")})
    with pytest.raises(HostError, match="name no mirror"):
        require_mirror(runner)
    assert runner.ran == []


def test_a_missing_keyring_is_said_with_its_package(tmp_path):
    with pytest.raises(HostError, match="keyring is not installed") as caught:
        require_keyring([tmp_path / "absent.gpg"])
    assert "debian-archive-keyring" in caught.value.hint
    (tmp_path / "there.gpg").touch()
    assert require_keyring([tmp_path / "absent.gpg", tmp_path / "there.gpg"]).name == "there.gpg"


def test_debootstrap_checks_signatures_and_says_what_to_look_at_when_it_fails():
    command = debootstrap_command("sid", PLACE.root, mirror="http://m/debian", keyring=Path("/k"))
    assert command.argv == (
        *("debootstrap", "--variant=minbase", "--keyring=/k"),
        *("sid", "/roots/sid/root", "http://m/debian"),
    )
    assert "network" in command.on_failure
    assert command.hint.count("debootstrap") == 3


def test_a_root_that_cannot_be_made_is_no_failed_test():
    with pytest.raises(HostError, match="no root of sid can be made") as caught, left_out(PLACE):
        raise CommandError("debootstrap failed", details="E: no such mirror", hint="Look there.")
    assert caught.value.exit_code == 3
    assert (caught.value.details, caught.value.hint) == ("E: no such mirror", "Look there.")


def test_without_apt_there_are_no_settings_of_it_to_take_over(tmp_path):
    runner = FakeRunner(missing={"apt-config"})
    copy_host_settings(runner, tmp_path)
    assert not (tmp_path / APT_CONF).exists()
    assert (tmp_path / "etc/dpkg/dpkg.cfg.d/test-root").is_file()
    runner = FakeRunner(
        answers={"apt-config": Result(returncode=0, stdout='Acquire::Retries "3";\n')}
    )
    copy_host_settings(runner, tmp_path)
    assert (tmp_path / APT_CONF).read_text() == 'Acquire::Retries "3";\n'


def test_a_root_whose_lists_cannot_be_had_is_no_failed_test():
    runner = FakeRunner(answers={"apt-get": Result(returncode=100, stderr="Temporary failure")})
    with pytest.raises(HostError, match="no root of sid"), left_out(PLACE):
        require_packages(runner, PLACE, {})


def test_proxies_and_checks_of_the_hosts_apt_hold_inside_too():
    dump = (
        'APT "";\n'
        'Acquire "";\n'
        'Acquire::http "";\n'
        'Acquire::http::Proxy "http://proxy:3128";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::cdrom::mount "/media/cdrom/";\n'
        'Acquire::IndexTargets::deb::Packages::MetaKey "x";\n'
    )
    assert acquire_settings(dump) == (
        'Acquire::http::Proxy "http://proxy:3128";\nAcquire::Check-Valid-Until "false";\n'
    )


@pytest.mark.parametrize(
    ("names", "version"),
    [
        ("clang-19\nlld-19\nllvm-19\nclang-22\nlld-22\nllvm-22\nclang-23\nllvm-23\n", 22),
        ("clang-19\nlld-19\n", None),
        ("clang-9\nlld-9\nllvm-9\nclang-14-doc\n", 9),
    ],
)
def test_the_newest_llvm_is_one_whose_parts_are_all_there(names, version):
    assert newest_llvm(names) == version


def test_the_user_is_made_by_root_and_may_sudo():
    commands = user_commands(PLACE, {"PATH": "/bin"})
    assert all(command.argv[5:7] == ("change-root", "/roots/sid/root") for command in commands)
    assert all("setpriv" not in command.argv for command in commands)
    assert any("sudo" in command.argv for command in commands)
