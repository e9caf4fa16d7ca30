"""Commands inside a root, and the copy of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command, Result
from tests.fakes.runner import FakeRunner
from tests.modern.entering import (
    OUTSIDE,
    copy_checkout,
    environment_inside,
    inside,
    require_own_namespace,
)
from tests.modern.place import Place


def test_a_command_inside_is_the_users_and_sees_nothing_of_our_environment():
    environment = environment_inside({"CFLAGS": "-O3", "https_proxy": "http://p", "HOME": "/root"})
    command = inside(Place(suite="sid", folder=Path("/r")), ("make",), environment)
    assert command.argv[5:10] == (
        *("change-root", "/r/root"),
        *("setpriv", "--reuid=user", "--regid=user"),
    )
    assert "HOME=/home/user" in command.argv
    assert "https_proxy=http://p" in command.argv
    assert not any(word.startswith("CFLAGS") for word in command.argv)
    assert command.argv[-1] == "make"


def test_without_name_spaces_of_our_own_nothing_is_mounted():
    here = str(Path("/proc/self/ns/mnt").readlink())
    for environ in ({}, {OUTSIDE: here}):
        with pytest.raises(HostError, match="would outlive") as caught:
            require_own_namespace(environ)
        assert "scripts/test-modern" in caught.value.hint
    require_own_namespace({OUTSIDE: "mnt:[1]"})


def test_the_copy_holds_what_git_would_and_keeps_only_the_venv(tmp_path):
    checkout, place = tmp_path / "checkout", Place(suite="sid", folder=tmp_path / "sid")
    (checkout / "pkgafdo").mkdir(parents=True)
    (checkout / "pkgafdo/new.py").write_text("new\n")
    target = place.root / "home/user/pkgafdo"
    (target / ".venv/bin").mkdir(parents=True)
    (target / "pkgafdo").mkdir()
    (target / "pkgafdo/deleted_since.py").touch()

    def listed(command: Command) -> Result:
        assert "ls-files" in command.argv
        return Result(returncode=0, stdout="pkgafdo/new.py\0pkgafdo/in_index_only.py\0")

    runner = FakeRunner(answers={"git": listed, "chroot": Result(returncode=0)})
    copy_checkout(runner, checkout, place)
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        ".venv",
        ".venv/bin",
        "pkgafdo",
        "pkgafdo/new.py",
    ]
    assert "chown" in runner.ran[-1].argv
