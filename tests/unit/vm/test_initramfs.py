"""Packing the guest's root."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.initramfs import make_initramfs, pack_command, render_mtree
from tests.fakes.runner import FakeRunner
from tests.unit.vm.guests import SUITE

EMPTY: dict[str, Path] = {}


def rows(mtree: str) -> dict[str, dict[str, str]]:
    """Return the entries of an mtree text by path."""
    found = {}
    for line in mtree.splitlines()[2:]:
        name, *pairs = line.split(" ")
        assert name not in found
        found[name] = dict(pair.split("=", 1) for pair in pairs)
    return found


def test_all_belong_to_root_and_carry_no_time() -> None:
    assert render_mtree(EMPTY).startswith("#mtree\n/set uid=0 gid=0 time=0.0\n")


def test_the_folders_that_init_mounts_on_are_always_there() -> None:
    found = rows(render_mtree(EMPTY))
    for name in ("proc", "sys", "dev", "tmp", "mnt", "bin/applets", "modules", "root", "steps"):
        assert found[f"./{name}"]["type"] == "dir", name
    assert found["./tmp"]["mode"] == "1777"
    assert found["./proc"]["mode"] == "0755"


def test_every_folder_on_the_way_comes_before_what_is_in_it() -> None:
    names = list(rows(render_mtree({"usr/lib/x/y.so": Path("/h/y")})))
    places = [
        names.index(name) for name in ("./usr", "./usr/lib", "./usr/lib/x", "./usr/lib/x/y.so")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("bin/ls", "0755"),
        ("usr/sbin/x", "0755"),
        ("lib64/ld-linux.so.2", "0755"),
        ("usr/lib/x86_64-linux-gnu/libc.so.6", "0755"),
        ("etc/passwd", "0644"),
        ("bin", "0644"),
        ("home/me/tool", "0755"),
        ("init", "0755"),
    ],
)
def test_programs_and_libraries_may_be_executed(path: str, mode: str) -> None:
    mtree = render_mtree({path: Path("/h/x")}, frozenset({"init", "home/me/tool"}))
    assert f"./{path} type=file mode={mode} contents=/h/x" in mtree


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a b", r"a\040b"),
        ("a#b", r"a\043b"),
        ("back\\slash", r"back\134slash"),
        ("ü", r"\303\274"),
        ("new\nline\ttab", r"new\012line\011tab"),
        ("bad\udcff", r"bad\377"),  # a file name that is no text
        ("a=b'\"$*?[x]~", "a=b'\"$*?[x]~"),
    ],
)
def test_strange_names_are_written_in_octal(name: str, written: str) -> None:
    mtree = render_mtree({f"d {name}/{name}": Path(f"/h/{name}")})
    assert f"\n./d\\040{written} type=dir mode=0755\n" in mtree
    assert f"\n./d\\040{written}/{written} type=file mode=0644 contents=/h/{written}\n" in mtree
    assert mtree.isascii()


def test_equal_content_makes_an_equal_list_in_any_order() -> None:
    copies = {"b": Path("/1"), "a": Path("/2")}
    assert render_mtree(copies) == render_mtree(dict(reversed(copies.items())))


def test_bsdtar_packs_from_the_list() -> None:
    command = pack_command(Path("/l.mtree"), Path("/o.cpio"))
    assert command.argv == ("bsdtar", "--format", "newc", "-cf", "/o.cpio", "@/l.mtree")
    assert "libarchive-tools" in command.hint


class Host(FakeRunner):
    """A fake runner whose programs lie in one folder."""

    folder: Path

    def which(self, program: str) -> str | None:
        path = self.folder / program.rsplit("/", 1)[-1]
        return str(path) if path.exists() else None


@pytest.fixture
def host(tmp_path) -> Host:
    def bsdtar(command: Command) -> Result:
        Path(command.argv[4]).write_text("archive")
        return Result(returncode=0)

    host = Host(answers={"bsdtar": bsdtar, "ldd": Result(returncode=1)})
    host.folder = tmp_path / "opt"
    host.folder.mkdir()
    for name in ("busybox", "tool", "ldd", "bsdtar"):
        (host.folder / name).write_bytes(b"\x7fELF")
        (host.folder / name).chmod(0o755)
    return host


def test_a_suite_is_packed_with_programs_modules_and_steps(host, tmp_path) -> None:
    window, module = tmp_path / "window", tmp_path / "brd.ko"
    for path in (window, module):
        path.write_bytes(b"x")
    folder = tmp_path / "guest"
    output = make_initramfs(
        host, SUITE, window=window, modules=iter([module]), step_timeout=9, folder=folder
    )
    assert output == folder / "two.cpio"
    assert output.read_text() == "archive"
    found = rows((folder / "two.mtree").read_text())
    assert found["./bin/busybox"]["contents"] == str(host.folder / "busybox")
    assert found["./bin/sh"]["mode"] == "0755"
    assert found["./init"]["mode"] == "0755"
    assert found["./modules/brd.ko"]["mode"] == "0644"
    tool = found["." + str(host.folder / "tool")]
    assert tool == {"type": "file", "mode": "0755", "contents": str(host.folder / "tool")}
    texts = {
        name: Path(found[f"./{name}"]["contents"]).read_text()
        for name in ("steps/all", "steps/1.prepare", "modules/order", "etc/passwd", "init")
    }
    assert texts["steps/all"] == "run 1 9\nrun 2 9\n"
    assert texts["modules/order"] == "brd\n"
    assert texts["init"].startswith("#!/bin/busybox sh\n")
    assert re.match(r"root:x:0:0:", texts["etc/passwd"])


def test_a_failed_packing_leaves_no_archive(host, tmp_path) -> None:
    host.answers["bsdtar"] = Result(returncode=1)
    (tmp_path / "window").write_bytes(b"x")
    with pytest.raises(Exception, match="bsdtar failed"):
        make_initramfs(
            host,
            SUITE,
            window=tmp_path / "window",
            modules=(),
            step_timeout=9,
            folder=tmp_path / "g",
        )
    assert not (tmp_path / "g" / "two.cpio").exists()
