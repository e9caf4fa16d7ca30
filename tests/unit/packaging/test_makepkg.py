"""makepkg's commands, its configuration, and the kernel below BUILDDIR."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.makepkg import (
    Makepkg,
    build_command,
    find_objects,
    parse_probe,
    probe_command,
)
from pkgafdo.runner.command import RunAs

JOB = Makepkg(
    folder=Path("/s/pkgbuild"),
    destination=Path("/s/packages"),
    build=Path("/b"),
    sources=Path("/src"),
    options=("--nodeps",),
    env={"PACKAGER": "Jane", "PKGDEST": "/elsewhere"},
)


def test_a_build_is_anew_and_as_the_build_user_and_puts_things_where_we_say() -> None:
    command = build_command(JOB, log_name="build-baseline")
    assert command.argv == ("makepkg", "--cleanbuild", "--force", "--nodeps")
    assert command.cwd == JOB.folder
    assert command.run_as is RunAs.BUILDER
    assert command.log == "build-baseline"
    assert command.env == {
        "PACKAGER": "Jane", "BUILDDIR": "/b", "LC_ALL": "C.UTF-8", "PKGDEST": "/s/packages",
        "SRCDEST": "/src", "SRCPKGDEST": "/s/packages",
    }  # fmt: skip
    assert "gpg --recv-keys" in command.on_failure


def test_the_probe_asks_with_the_configuration_that_was_named() -> None:
    assert probe_command(Path("/p"), "").argv == ("makepkg", "--printsrcinfo")
    assert probe_command(Path("/p"), "/m.conf").argv[1:3] == ("--config", "/m.conf")


def test_what_is_not_set_is_the_current_folder_and_is_left_out(tmp_path: Path) -> None:
    output = (
        f"pkgafdo-probe:PKGDEST=/home/jane/my packages\npkgafdo-probe:SRCDEST={tmp_path}\n"
        f"pkgafdo-probe:BUILDDIR=/tmp/b\npkgafdo-probe:PACKAGER=Unknown Packager\n"
        "pkgbase = probe\n\tpkgver = 1\n"
    )
    assert parse_probe(output, tmp_path) == {
        "PKGDEST": "/home/jane/my packages",
        "BUILDDIR": "/tmp/b",
    }


def kernel(folder: Path) -> Path:
    (folder / "include/config").mkdir(parents=True)
    for name in ("include/config/kernel.release", "vmlinux", ".config"):
        (folder / name).write_text("x")
    return folder


@pytest.mark.parametrize("place", ["src", "src/linux-7.2", "src/linux-7.2/build"])
def test_the_kernel_below_builddir_is_found(tmp_path: Path, place: str) -> None:
    found = kernel(tmp_path / "linux-toy" / place)
    assert find_objects(tmp_path) == found


def test_no_kernel_or_two_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not to be told") as caught:
        find_objects(tmp_path)
    assert "none" in caught.value.details
    kernel(tmp_path / "linux-toy/src/one")
    unfinished = kernel(tmp_path / "linux-toy/src/unfinished")
    (unfinished / "vmlinux").unlink()
    assert find_objects(tmp_path).name == "one"
    kernel(tmp_path / "linux-toy/src/two")
    with pytest.raises(ArtifactError, match="is not to be told"):
        find_objects(tmp_path)
