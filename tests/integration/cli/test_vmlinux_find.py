"""`pkgafdo vmlinux find` in private roots of small packages, and `pkgafdo verify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pkgafdo import elf
from pkgafdo.host.facts import read_facts
from pkgafdo.pacman import install
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from tests.integration.packages import pack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.cli.program import Pkgafdo

pytestmark = pytest.mark.real

FACTS = read_facts()
MODULES = "usr/lib/modules/1.0-t"
DEBUG = "usr/src/debug/{}/vmlinux"


@dataclass(frozen=True)
class Root:
    """A private root that packages go into."""

    runner: LocalRunner
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "root"

    def install(self, base: str, **packages: dict[str, bytes | str]) -> None:
        """Install packages of a pkgbase; the keyword is what follows in their names."""
        made = []
        for suffix, content in packages.items():
            name = base if suffix == "kernel" else f"{base}-{suffix}"
            made.append(pack(self.runner, self.folder, name, content, base=base))
        as_root = FACTS.euid == 0
        install.install_private(self.runner, made, root=self.path, as_root=as_root)


@pytest.fixture
def root(folder: Path) -> Root:
    runner = LocalRunner(env=FACTS.environment, logs=folder / "logs")
    return Root(runner=runner, folder=folder)


@pytest.fixture
def vmlinux(root: Root, folder: Path) -> Path:
    """A compiled program with line tables and a build-id."""
    source = folder / "main.c"
    source.write_text("int work(int x) { return x + 1; }\nint main(void) { return work(1); }\n")
    path = folder / "program"
    argv = ("cc", "-g", "-O1", "-Wl,--build-id=sha1", "-o", str(path), str(source))
    root.runner.run(Command(argv=argv))
    return path


def stripped(root: Root, path: Path) -> bytes:
    copy = path.with_name("stripped")
    root.runner.run(Command(argv=("strip", "--strip-debug", "-o", str(copy), str(path))))
    return copy.read_bytes()


def test_the_path_is_printed_alone_and_as_json(pkgafdo: Pkgafdo, root, vmlinux):
    debug = DEBUG.format("linux-t")
    root.install(
        "linux-t",
        kernel={f"{MODULES}/vmlinuz": b"image"},
        headers={f"{MODULES}/build/vmlinux": f"../../../../../{debug}"},
        debug={debug: vmlinux.read_bytes()},
    )
    words = ("vmlinux", "find", "--root", root.path)
    assert pkgafdo.run(*words).stdout == f"{root.path / debug}\n"
    data = pkgafdo.run(*words, "--json", "--pkgbase", "linux-t").data()
    assert data == {
        "path": str(root.path / debug),
        "build_id": elf.build_id(vmlinux),
        "release": "1.0-t",
    }


def test_a_stripped_vmlinux_is_rejected_and_the_package_with_the_right_one_named(
    pkgafdo, root, vmlinux
):
    place = f"{MODULES}/build/vmlinux"
    root.install("linux-t", headers={place: stripped(root, vmlinux)})
    refusal = pkgafdo.run("vmlinux", "find", "--json", "--root", root.path).refusal(5)
    assert refusal.message == "no usable vmlinux among the installed packages"
    assert f"{root.path / place} (linux-t-headers): stripped" in refusal.details
    assert "PACMAN_EXTRAPACKAGES" in refusal.hint


def test_a_vmlinux_of_another_build_is_rejected_with_both_build_ids(pkgafdo, root, vmlinux):
    root.install("linux-t", debug={DEBUG.format("linux-t"): vmlinux.read_bytes()})
    expected = "ab" * 20
    words = ("vmlinux", "find", "--root", root.path, "--build-id")
    refusal = pkgafdo.run(*words, expected).refusal(5)
    assert f"its build-id is {elf.build_id(vmlinux)}, expected {expected}" in refusal.details
    assert pkgafdo.run(*words, elf.build_id(vmlinux)).code == 0
    assert pkgafdo.run(*words, (elf.build_id(vmlinux) or "").upper()).code == 0


def test_files_that_only_sound_like_vmlinux_are_not_candidates(pkgafdo, root):
    root.install("linux-t", headers={f"{MODULES}/build/scripts/link-vmlinux.sh": b"#!/bin/sh\n"})
    refusal = pkgafdo.run("vmlinux", "find", "--root", root.path).refusal(5)
    assert refusal.message == "no vmlinux among the installed packages"
    assert "Looked through the file lists of linux-t-headers." in refusal.details


def test_a_file_that_was_deleted_behind_pacmans_back_is_told(pkgafdo, root, vmlinux):
    debug = DEBUG.format("linux-t")
    root.install("linux-t", debug={debug: vmlinux.read_bytes()})
    (root.path / debug).unlink()
    refusal = pkgafdo.run("vmlinux", "find", "--root", root.path).refusal(5)
    assert "missing on disk, though the package owns it" in refusal.details


def test_of_two_kernels_one_must_be_named(pkgafdo, root, vmlinux):
    other = vmlinux.read_bytes().replace(bytes.fromhex(elf.build_id(vmlinux) or ""), b"x" * 20)
    root.install("linux-t", debug={DEBUG.format("linux-t"): vmlinux.read_bytes()})
    root.install("linux-u", debug={DEBUG.format("linux-u"): other})
    words = ("vmlinux", "find", "--root", root.path)
    refusal = pkgafdo.run(*words).refusal(5)
    assert "several kernels" in refusal.message
    assert "linux-t: " in refusal.details
    assert "linux-u: " in refusal.details
    assert refusal.hint == "Name one with --pkgbase."
    found = pkgafdo.run(*words, "--pkgbase", "linux-u").stdout.strip()
    assert found == str(root.path / DEBUG.format("linux-u"))


@pytest.mark.parametrize("exists", [True, False])
def test_a_root_without_packages_is_refused(pkgafdo, folder, exists):
    root = folder / "empty"
    if exists:
        root.mkdir()
    refusal = pkgafdo.run("vmlinux", "find", "--root", root).refusal(5)
    assert str(root) in refusal.message
    assert refusal.hint


def test_an_unknown_pkgbase_is_refused(pkgafdo, root, vmlinux):
    root.install("linux-t", debug={DEBUG.format("linux-t"): vmlinux.read_bytes()})
    words = ("vmlinux", "find", "--root", root.path, "--pkgbase", "linux-x")
    assert "no package of linux-x is installed" in pkgafdo.run(*words).refusal(5).message


def test_verify_refuses_a_kernel_that_pkgafdo_did_not_configure(pkgafdo, vmlinux, folder):
    refusal = pkgafdo.run("verify", "--json", "--vmlinux", vmlinux).refusal(5)
    assert refusal.message == f"{vmlinux} does not say that pkgafdo built it"
    (folder / "text").write_text("no ELF file\n")
    assert (
        "is not an ELF file"
        in pkgafdo.run("verify", "--vmlinux", folder / "text").refusal(5).message
    )
    refusal = pkgafdo.run("verify", "-w", folder / "nowhere").refusal(2)
    assert refusal.message == f"there is no run in {folder}/nowhere"
