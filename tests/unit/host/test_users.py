"""The build user and what it can reach."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host import users
from pkgafdo.host.users import Entry
from pkgafdo.runner.local import Builder


def entry(mode: int, *, uid: int = 0, gid: int = 0, path: str = "/a") -> Entry:
    return Entry(path=Path(path), uid=uid, gid=gid, mode=mode)


def test_an_ordinary_user_builds_as_itself() -> None:
    assert users.require_builder(1000) is None


def test_root_without_a_build_user_is_refused_with_the_next_move() -> None:
    with pytest.raises(HostError, match="no build user “nobody-has-this-name”") as caught:
        users.require_builder(0, "nobody-has-this-name")
    assert "scripts/setup" in caught.value.hint
    assert "useradd --system --create-home" in caught.value.hint
    assert caught.value.exit_code == 3


def test_root_cannot_be_the_build_user() -> None:
    with pytest.raises(HostError, match="is root itself"):
        users.require_builder(0, pwd.getpwuid(0).pw_name)


def test_the_build_user_is_described_as_the_system_knows_it() -> None:
    someone = next(account for account in pwd.getpwall() if account.pw_uid != 0)
    builder = users.require_builder(0, someone.pw_name)
    assert builder is not None
    assert (builder.uid, builder.gid) == (someone.pw_uid, someone.pw_gid)
    assert builder.gid in users.groups_of(builder)


def test_a_user_that_is_not_there_is_nobody() -> None:
    assert users.known_user("nobody-has-this-name") is None
    root = users.known_user(pwd.getpwuid(0).pw_name)
    assert root is not None
    assert root.uid == 0


@pytest.mark.parametrize(
    ("folder", "closed"),
    [
        (entry(0o755), False),
        (entry(0o711), False),
        (entry(0o700), True),
        (entry(0o750, gid=50), False),
        (entry(0o750, gid=51), True),
        (entry(0o100, uid=7), False),
        (entry(0o077, uid=7), True),
        (entry(0o707, gid=50), True),
    ],
)
def test_the_mode_bits_decide_who_passes(folder: Entry, closed: bool) -> None:
    found = users.first_closed([folder], uid=7, gids=frozenset({50}))
    assert (found is not None) is closed


def test_the_first_closed_folder_is_named() -> None:
    chain = [entry(0o755), entry(0o700, path="/b"), entry(0o700, path="/b/c")]
    assert users.first_closed(chain, uid=7, gids=frozenset()) == Path("/b")


def test_a_folder_below_a_private_one_is_closed(tmp_path: Path) -> None:
    stranger = next(account for account in pwd.getpwall() if account.pw_uid != os.geteuid())
    builder = Builder(name=stranger.pw_name, uid=4_000_000, gid=4_000_000, home="/")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    assert users.closed_folder(private / "not-made-yet", builder) is not None


def test_an_open_folder_is_not_closed() -> None:
    builder = Builder(name=pwd.getpwuid(0).pw_name, uid=4_000_000, gid=4_000_000, home="/")
    assert users.closed_folder(Path("/usr/lib"), builder) is None
    assert users.closed_folder(Path("/proc/1/fd"), builder) is not None


@pytest.mark.parametrize(
    ("euid", "installed", "prefix"),
    [
        (0, {"sudo"}, ()),
        (1000, {"doas", "sudo"}, ("sudo", "--")),
        (1000, {"run0"}, ("run0",)),
        (1000, {"doas"}, ("doas",)),
        (1000, set(), None),
    ],
)
def test_root_is_gained_with_what_is_installed(euid: int, installed: set[str], prefix) -> None:
    found = users.root_prefix(euid, lambda name: name if name in installed else None)
    assert found == prefix
