"""What a user's own command begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.runner.command import Result
from pkgafdo.vm.own_command import first_program, require_own_command
from pkgafdo.vm.settings import WorkloadSettings
from pkgafdo.vm.suites import TRAIN, suite_of
from tests.fakes.runner import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("/usr/bin/nosuch --quick", "/usr/bin/nosuch"),
        ("  mybench", "mybench"),
        ("exec mybench -n 3", "mybench"),
        ("mkfs.ext4 /dev/ram0 > out", "mkfs.ext4"),
    ],
)
def test_a_plain_first_word_is_a_program(command: str, program: str) -> None:
    assert first_program(command) == program


@pytest.mark.parametrize(
    "command",
    [
        "$BENCH --quick", "`which ls`", "A=1 mybench", "'my bench' x", "my\\ bench", "(mybench)",
        "{ mybench; }", "./mybench", "bin/mybench", "for i in 1 2; do mybench; done", "! mybench",
        "f() { mybench; }; f", "f () { mybench; }; f", "mybench\"x\"", "> out mybench", "# none",
        "cd /tmp && mybench", "if true; then mybench; fi", "~/mybench", "my*bench x", "",
        "exec $BENCH", "exec A=1", "mybench || ls", "mybench | cat", "mybench; ls", "mybench &",
        "mybench\nls",
    ],
)  # fmt: skip
def test_when_in_doubt_it_is_none(command: str) -> None:
    assert first_program(command) is None


class Host(FakeRunner):
    """A machine whose programs lie in one folder."""

    folder: Path

    def which(self, program: str) -> str | None:
        path = self.folder / program.rsplit("/", 1)[-1]
        return str(path) if path.is_file() or program == "ldd" else None


@pytest.fixture
def host(tmp_path: Path) -> Host:
    listed = Result(returncode=0, stdout="ls\nfind\n")
    runner = Host(answers={"ldd": Result(returncode=1), "--list": listed})
    runner.folder = tmp_path
    for name in ("busybox", "mybench", "unpacked"):
        (tmp_path / name).write_bytes(b"\x7fELF")
    (tmp_path / "script").write_text(f"#!{tmp_path}/mybench -x\n")
    return runner


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("ls /", ()),
        ("/bin/applets/find /", ()),
        ("/bin/sh -c ls", ()),
        ("mybench --quick", ("mybench",)),
        ("{folder}/mybench", ("mybench",)),
        ("mybench", ("{folder}/script",)),
        ("nosuch || ls", ()),
        ("$BENCH", ()),
    ],
)
def test_what_the_guest_has_may_begin_a_command(host: Host, command: str, files) -> None:
    folder = str(host.folder)
    own = WorkloadSettings(
        command=command.replace("{folder}", folder),
        files=tuple(name.replace("{folder}", folder) for name in files),
    )
    require_own_command(host, suite_of(own))


def test_what_neither_guest_nor_machine_has_is_refused(host: Host) -> None:
    with pytest.raises(ConfigError, match="begins with nosuch, which") as caught:
        require_own_command(host, suite_of(WorkloadSettings(command="nosuch --quick")))
    assert "this machine has none" in caught.value.details


def test_a_program_of_this_machine_that_is_not_packed_is_refused_with_what_to_add(
    host: Host,
) -> None:
    own = suite_of(WorkloadSettings(command="unpacked -x"))
    with pytest.raises(ConfigError, match="begins with unpacked") as caught:
        require_own_command(host, own)
    assert caught.value.hint == f'Add it: workload.files = ["{host.folder}/unpacked"]'


def test_a_shipped_suite_is_not_looked_at() -> None:
    require_own_command(FakeRunner(), TRAIN)
