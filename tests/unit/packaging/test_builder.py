from __future__ import annotations

from pwd import struct_passwd

import pytest

from pkgafdo.errors import HostError
from pkgafdo.packaging import builder
from pkgafdo.runner.local import Builder

NOBODY = Builder(name="builder", uid=60_000, gid=60_000, home="/var/lib/builder")


def lookup(name: str) -> struct_passwd:
    if name == "toor":
        return struct_passwd(("toor", "x", 0, 0, "", "/root", "/bin/sh"))
    if name != "builder":
        raise KeyError(name)
    return struct_passwd(("builder", "x", 60_000, 60_000, "", "/var/lib/builder", "/bin/false"))


def test_an_unprivileged_user_builds_by_itself():
    assert builder.require_builder("whoever", euid=1000, lookup=lookup) is None


def test_root_drops_to_the_build_user():
    assert builder.require_builder("builder", euid=0, lookup=lookup) == NOBODY


def test_root_without_a_build_user_hears_how_to_make_one():
    with pytest.raises(HostError, match="“pkgafdo-build” does not exist") as caught:
        builder.require_builder("pkgafdo-build", euid=0, lookup=lookup)
    assert "scripts/setup" in caught.value.hint
    assert "useradd --system --create-home" in caught.value.hint
    assert caught.value.hint.count("pkgafdo-build") == 2
    assert caught.value.exit_code == 3


def test_root_under_another_name_is_no_build_user():
    with pytest.raises(HostError, match="root under another name"):
        builder.require_builder("toor", euid=0, lookup=lookup)


def test_a_build_folder_is_marked(tmp_path):
    made = builder.make_folder(tmp_path / "objects", "objects", None)
    assert (made / ".pkgafdo").read_text() == "objects\n"
