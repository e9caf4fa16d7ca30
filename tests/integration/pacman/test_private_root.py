"""Real packages in a real private root, read back in both ways."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import CommandError, HostError
from pkgafdo.pacman import alpm, database, install, program
from pkgafdo.pacman.vmlinux import require_vmlinux
from pkgafdo.runner.command import Command, RunAs
from tests.integration.packages import pack

if TYPE_CHECKING:
    from pkgafdo.artifacts import PackageFile
    from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

RELEASE = "1.0-pkgafdo-test"
DEBUG = "usr/src/debug/linux-t/vmlinux"


@pytest.fixture
def packages(runner: LocalRunner, open_folder: Path) -> tuple[PackageFile, ...]:
    """A kernel's packages, with a compiled program in the place of vmlinux."""
    source = open_folder / "main.c"
    source.write_text("int work(int x) { return x + 1; }\nint main(void) { return work(1); }\n")
    program = open_folder / "main"
    argv = ("cc", "-g", "-O1", "-Wl,--build-id=sha1", "-o", str(program), str(source))
    runner.run(Command(argv=argv))
    modules = f"usr/lib/modules/{RELEASE}"
    make: dict[str, dict[str, bytes | str]] = {
        "linux-t": {f"{modules}/vmlinuz": b"image", f"{modules}/pkgbase": b"linux-t\n"},
        "linux-t-headers": {f"{modules}/build/scripts/link-vmlinux.sh": b"#!/bin/sh\n"},
        "linux-t-debug": {
            DEBUG: program.read_bytes(),
            f"{modules}/build/vmlinux": f"../../../../../{DEBUG}",
        },
    }
    return tuple(
        pack(runner, open_folder, name, content, base="linux-t") for name, content in make.items()
    )


def own(folder: Path, uid: int, gid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


def install_unprivileged(
    runner: LocalRunner, packages: tuple[PackageFile, ...], root: Path
) -> Path:
    """Install as an ordinary user: as the build user when the tests run as root."""
    install.prepare_root(root)
    options = install.sandbox_options(runner)
    command = install.private_command(packages, root=root, as_root=False, options=options)
    if runner.builder is not None:
        own(root, runner.builder.uid, runner.builder.gid)
        command = replace(command, run_as=RunAs.BUILDER)
    runner.run(command)
    return root


def test_an_ordinary_user_installs_and_finds_vmlinux(runner, packages, open_folder) -> None:
    root = install_unprivileged(runner, packages, open_folder / "root")
    if runner.builder is not None:
        assert (root / DEBUG).stat().st_uid == runner.builder.uid
    found = require_vmlinux(runner, root=root, pkgbase="linux-t")
    assert found.path == root / DEBUG
    assert found.release == RELEASE


def test_both_readers_give_the_same_answers(runner, packages, open_folder) -> None:
    if not alpm.usable():
        pytest.skip("pyalpm is not installed")
    root = install_unprivileged(runner, packages, open_folder / "root")
    dbpath = root / "var/lib/pacman"
    fast = alpm.installed(root, dbpath)
    assert fast == program.installed(runner, root, dbpath)
    assert [one.base for one in fast] == ["linux-t"] * 3
    names = [one.name for one in fast]
    files = alpm.files_of(root, dbpath, names)
    assert files == program.files_of(runner, root, dbpath, names)
    assert DEBUG in files["linux-t-debug"]
    for first, second in (("1.0rc1-1", "1.0-1"), ("1:0-1", "9-1"), ("2-1", "2-1")):
        assert alpm.compare(first, second) == program.compare(runner, first, second)


def test_installing_again_and_after_a_kill_works(runner, packages, open_folder) -> None:
    root = open_folder / "root"
    as_root = os.geteuid() == 0
    install.install_private(runner, packages, root=root, as_root=as_root)
    install.install_private(runner, packages, root=root, as_root=as_root)
    # What SIGKILL leaves between unpacking and the end of the database entry:
    entry = root / "var/lib/pacman/local/linux-t-debug-1.0-1"
    (entry / "desc").unlink()
    (root / DEBUG).write_bytes(b"half")
    (root / "var/lib/pacman/db.lck").touch()
    found = install.install_private(runner, packages, root=root, as_root=as_root)
    assert [one.name for one in found] == ["linux-t", "linux-t-debug", "linux-t-headers"]
    assert require_vmlinux(runner, root=root).path == root / DEBUG


def system_state() -> list[tuple[Path, float]]:
    """Return pacman's files and the kernels of this system, and when each was changed."""
    places = [Path("/var/log/pacman.log"), Path("/usr/lib/modules")]
    places += [Path("/var/lib/pacman"), *Path("/var/lib/pacman").rglob("*")]
    return [(place, place.stat().st_mtime) for place in sorted(places) if place.exists()]


def test_a_private_installation_writes_nothing_to_the_system(runner, packages, open_folder) -> None:
    before = system_state()
    install.install_private(runner, packages, root=open_folder / "root", as_root=os.geteuid() == 0)
    assert system_state() == before
    assert "installed linux-t" in (open_folder / "root/var/log/pacman.log").read_text()


def test_a_package_file_of_the_running_kernel_is_refused(runner, packages) -> None:
    with pytest.raises(HostError, match="would replace the running kernel"):
        install.install_system(runner, packages, running_release=RELEASE)
    kernel, _headers, _debug = packages
    assert f"usr/lib/modules/{RELEASE}/vmlinuz" in install.package_files(runner, kernel.path)


def test_a_broken_package_file_is_reported_with_what_pacman_said(
    runner, packages, open_folder
) -> None:
    whole = packages[0].path.read_bytes()
    packages[0].path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError) as caught:
        install.install_private(
            runner, packages, root=open_folder / "root", as_root=os.geteuid() == 0
        )
    assert caught.value.exit_code == 4
    assert "error:" in caught.value.details


def test_an_empty_root_has_no_packages(runner, open_folder) -> None:
    root = open_folder / "root"
    install.prepare_root(root)
    (root / "var/lib/pacman/local").mkdir()
    dbpath = root / "var/lib/pacman"
    assert program.installed(runner, root, dbpath) == ()
    assert database.installed(runner, root=root) == ()
