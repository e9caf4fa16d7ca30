"""The kernel modules that a guest loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.modules import (
    depmod_command,
    find_modules,
    parse_depends,
    show_depends_command,
    unpack_modules,
)
from tests.fakes.runner import FakeRunner

EXT4 = """\
insmod /r/usr/lib/modules/7.2/kernel/fs/mbcache.ko.zst
insmod /r/usr/lib/modules/7.2/kernel/fs/jbd2/jbd2.ko.zst
insmod /r/usr/lib/modules/7.2/kernel/fs/ext4/ext4.ko.zst \n"""


def test_files_are_read_in_the_order_of_loading() -> None:
    assert [path.name for path in parse_depends(EXT4)] == [
        "mbcache.ko.zst",
        "jbd2.ko.zst",
        "ext4.ko.zst",
    ]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("", []),
        ("builtin ext4\n", []),
        ("install /sbin/modprobe --ignore-install x\n", []),
        ("insmod /l/brd.ko rd_nr=1 rd_size=65536\n", ["/l/brd.ko"]),
        ("insmod /a b/c d/brd.ko.xz rd_nr=1\n", ["/a b/c d/brd.ko.xz"]),
        ("builtin a\ninsmod /l/b.ko.gz\n", ["/l/b.ko.gz"]),
    ],
)
def test_only_modules_that_are_files_count(text: str, paths: list[str]) -> None:
    assert parse_depends(text) == tuple(Path(path) for path in paths)


def test_the_root_is_asked_and_not_this_system() -> None:
    assert show_depends_command(Path("/r/usr"), "7.2", "ext4").argv == (
        "modprobe", "--dirname", "/r/usr", "--set-version", "7.2", "--show-depends", "ext4",
    )  # fmt: skip
    assert depmod_command(Path("/r/usr"), "7.2").argv == ("depmod", "--basedir", "/r/usr", "7.2")


def test_what_several_modules_need_is_loaded_once_and_first() -> None:
    def modprobe(command: Command) -> Result:
        match command.argv[-1]:
            case "ext4":
                return Result(returncode=0, stdout=EXT4)
            case "jbd2":
                return Result(returncode=0, stdout="".join(EXT4.splitlines(keepends=True)[:2]))
            case "built-in":
                return Result(returncode=0, stdout="builtin built-in\n")
            case _:
                return Result(returncode=1, stderr="modprobe: FATAL: Module x not found")

    runner = FakeRunner(answers={"modprobe": modprobe})
    found = find_modules(runner, Path("/r/usr"), "7.2", ["jbd2", "built-in", "absent", "ext4"])
    assert [path.name for path in found] == ["mbcache.ko.zst", "jbd2.ko.zst", "ext4.ko.zst"]


def test_modules_are_unpacked_under_their_plain_names_in_order(tmp_path) -> None:
    plain = tmp_path / "brd.ko"
    plain.write_bytes(b"module")
    runner = FakeRunner(answers={"zstd": Result(returncode=0)})
    folder = tmp_path / "guest"
    copies = unpack_modules(runner, [Path("/r/b.ko.zst"), plain, Path("/r/a.ko.xz")], folder)
    assert copies == (folder / "b.ko", folder / "brd.ko", folder / "a.ko")
    assert (folder / "brd.ko").read_bytes() == b"module"
    assert [command.argv[-3:] for command in runner.ran] == [
        ("/r/b.ko.zst", "-o", str(folder / "b.ko")),
        ("/r/a.ko.xz", "-o", str(folder / "a.ko")),
    ]
