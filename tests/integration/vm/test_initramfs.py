"""Packing real programs with the real bsdtar."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pkgafdo.runner.command import Command
from pkgafdo.vm.initramfs import make_initramfs, pack_command, render_mtree
from pkgafdo.vm.programs import closure
from pkgafdo.vm.suites import Step, Suite

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("bsdtar") is None, reason="bsdtar is not installed"),
]

STRANGE = ("a b", "a#b", "back\\slash", "ü", "new\nline", "a=b", "'quoted'", "st*r?[x]", "~")


def unpack(runner, archive: Path, folder: Path) -> Path:
    folder.mkdir()
    runner.run(Command(argv=("bsdtar", "-xpf", str(archive), "-C", str(folder))))
    return folder


def test_files_with_strange_names_arrive_with_their_content(runner, tmp_path) -> None:
    copies = {}
    for name in STRANGE:
        (tmp_path / name).write_text(name)
        copies[f"data/{name}/{name}"] = tmp_path / name
    mtree, archive = tmp_path / "list.mtree", tmp_path / "o.cpio"
    mtree.write_text(render_mtree(copies))
    runner.run(pack_command(mtree, archive))
    root = unpack(runner, archive, tmp_path / "root")
    for name in STRANGE:
        assert (root / "data" / name / name).read_text() == name


def test_equal_content_makes_an_equal_archive(runner, tmp_path) -> None:
    archives = []
    for number in range(2):
        source = tmp_path / "same"
        source.write_text("content")
        os.utime(source, (number, number))
        (tmp_path / "l").write_text(render_mtree({"etc/x": source}))
        runner.run(pack_command(tmp_path / "l", tmp_path / f"{number}.cpio"))
        archives.append((tmp_path / f"{number}.cpio").read_bytes())
    assert archives[0] == archives[1]


def test_a_packed_root_can_run_its_programs(runner, tmp_path) -> None:
    """The real test of a closure: the programs run with nothing but the packed files."""
    if os.geteuid() != 0:
        pytest.skip("only root can change its root")
    own = tmp_path / "home" / "tool"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\necho own tool\n")
    own.chmod(0o755)
    if shutil.which("busybox") is None:
        pytest.skip("busybox is not installed")
    suite = Suite(name="s", about="", files=("ls", str(own)), steps=(Step(name="x", script="ls"),))
    window = tmp_path / "window"
    window.write_bytes(b"")
    archive = make_initramfs(
        runner, suite, window=window, modules=(), step_timeout=5, folder=tmp_path / "g"
    )
    root = unpack(runner, archive, tmp_path / "root")
    (listed,) = (name for name in ("usr/bin/ls", "bin/ls") if (root / name).exists())
    result = runner.query(Command(argv=("chroot", str(root), f"/{listed}", "/")))
    assert {"proc", "dev", "tmp", "init", "steps"} <= set(result.stdout.split())
    said = runner.query(Command(argv=("chroot", str(root), str(own)))).stdout
    assert said == "own tool\n"
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_the_closure_of_a_real_program_holds_its_loader(runner) -> None:
    program = shutil.which("ls")
    assert program is not None
    paths = [entry.path for entry in closure(runner, [Path(program)])]
    assert any("ld-linux" in path for path in paths)
    assert any("libc.so" in path for path in paths)
    assert all(entry.source.is_file() for entry in closure(runner, [Path(program)]))
