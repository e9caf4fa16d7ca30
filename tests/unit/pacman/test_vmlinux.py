"""Finding vmlinux through the file lists of packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.pacman.vmlinux import VmlinuxSearch, find_vmlinux, require_vmlinux
from tests.unit import elf_files as make
from tests.unit.pacman.local_db import FakeRoot

if TYPE_CHECKING:
    from pathlib import Path

DEBUG = "usr/src/debug/linux-x/vmlinux"
LINK = "usr/lib/modules/7.2-x/build/vmlinux"
MODULES = ("usr/lib/modules/7.2-x/", "usr/lib/modules/7.2-x/vmlinuz")
ID = bytes(range(20)).hex()


@pytest.fixture
def root(tmp_path: Path) -> FakeRoot:
    """A root with the packages that `make pacman-pkg` makes."""
    found = FakeRoot(tmp_path.resolve() / "root")
    found.add("linux-x", *MODULES, base="linux-x")
    headers = ("scripts/link-vmlinux.sh", "include/asm-generic/vmlinux.lds.h")
    found.add(
        "linux-x-headers",
        *(f"usr/lib/modules/7.2-x/build/{one}" for one in headers),
        base="linux-x",
    )
    found.add("linux-x-debug", DEBUG, LINK, base="linux-x")
    found.write(DEBUG, make.vmlinux())
    link = found.path / LINK
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../../../../../{DEBUG}")
    return found


def find(root: FakeRoot, **wanted) -> VmlinuxSearch:
    return find_vmlinux(root.runner(), root=root.path, **wanted)


def reasons(search: VmlinuxSearch) -> dict[str, str]:
    return {str(one.path.relative_to(search.root)): one.reason for one in search.candidates}


def test_the_vmlinux_of_the_debug_package_is_found(root: FakeRoot) -> None:
    found = require_vmlinux(root.runner(), root=root.path, pkgbase="linux-x")
    assert found.path == root.path / DEBUG
    assert found.build_id == ID
    assert found.release == "7.2-x"


def test_only_the_exact_name_is_a_candidate_and_the_link_is_explained(root: FakeRoot) -> None:
    search = find(root)
    assert set(reasons(search)) == {DEBUG, LINK}
    assert reasons(search)[LINK].startswith("a link to ")
    assert "looked at itself" in reasons(search)[LINK]
    assert [one.path for one in search.accepted] == [root.path / DEBUG]


def test_the_build_id_may_be_asked_for(root: FakeRoot) -> None:
    assert find(root, expected_build_id=ID).accepted
    with pytest.raises(ArtifactError) as caught:
        require_vmlinux(root.runner(), root=root.path, expected_build_id="beef")
    assert f"its build-id is {ID}, expected beef" in caught.value.details


def test_a_stripped_vmlinux_is_refused(root: FakeRoot) -> None:
    root.write(DEBUG, make.vmlinux(lines=False))
    with pytest.raises(ArtifactError, match="no usable vmlinux") as caught:
        require_vmlinux(root.runner(), root=root.path, pkgbase="linux-x")
    assert "stripped" in caught.value.details
    assert "_build_debug=yes" in caught.value.hint
    assert caught.value.exit_code == 5


def test_beside_a_stripped_one_the_other_is_taken(root: FakeRoot) -> None:
    stripped = "usr/lib/modules/7.2-x/build/other/vmlinux"
    root.add("linux-x-dbg", stripped, base="linux-x")
    root.write(stripped, make.vmlinux(lines=False))
    assert require_vmlinux(root.runner(), root=root.path).path == root.path / DEBUG


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#!/bin/sh\n", "is not an ELF file"),
        (b"\x1f\x8b" + bytes(600), "compressed boot image"),
        (make.vmlinux()[:100], "truncated or corrupt"),
        (make.vmlinux(build_id=None), "it has no build-id"),
    ],
)
def test_what_is_no_vmlinux_is_rejected_with_its_reason(
    root: FakeRoot, content: bytes, reason: str
) -> None:
    root.write(DEBUG, content)
    search = find(root)
    assert not search.accepted
    assert reason in reasons(search)[DEBUG]


def test_a_file_that_was_removed_is_rejected(root: FakeRoot) -> None:
    (root.path / DEBUG).unlink()
    assert reasons(find(root))[DEBUG] == "missing on disk, though the package owns it"


def test_a_link_out_of_the_packages_is_not_followed(root: FakeRoot) -> None:
    (root.path / LINK).unlink()
    (root.path / LINK).symlink_to("/boot/vmlinux")
    assert reasons(find(root))[LINK] == (
        "a link to /boot/vmlinux, which no package of this search owns"
    )


def test_packages_of_another_base_do_not_count(root: FakeRoot) -> None:
    other = "usr/src/debug/linux-y/vmlinux"
    root.add("linux-y-debug", other, base="linux-y")
    root.write(other, make.vmlinux(build_id=b"\xbe\xef"))
    found = require_vmlinux(root.runner(), root=root.path, pkgbase="linux-y")
    assert found.build_id == "beef"
    assert found.release == ""
    with pytest.raises(ArtifactError, match="several kernels") as caught:
        require_vmlinux(root.runner(), root=root.path)
    assert "--pkgbase" in caught.value.hint
    assert "linux-y: " in caught.value.details


def test_the_expected_build_id_decides_between_kernels(root: FakeRoot) -> None:
    other = "usr/src/debug/linux-y/vmlinux"
    root.add("linux-y-debug", other, base="linux-y")
    root.write(other, make.vmlinux(build_id=b"\xbe\xef"))
    found = require_vmlinux(root.runner(), root=root.path, expected_build_id="beef")
    assert found.path == root.path / other


def test_a_base_without_packages_is_named(root: FakeRoot) -> None:
    with pytest.raises(ArtifactError, match="no package of linux-z is installed") as caught:
        require_vmlinux(root.runner(), root=root.path, pkgbase="linux-z")
    assert "--pkgbase" in caught.value.hint


def test_packages_without_a_vmlinux_are_listed(tmp_path: Path) -> None:
    root = FakeRoot(tmp_path.resolve() / "root")
    root.add("linux-x", *MODULES, base="linux-x")
    root.add("linux-x-headers", "usr/include/vmlinux.h", base="linux-x")
    with pytest.raises(ArtifactError, match="no vmlinux among the installed") as caught:
        require_vmlinux(root.runner(), root=root.path, pkgbase="linux-x")
    assert "linux-x, linux-x-headers" in caught.value.details
    assert "PACMAN_EXTRAPACKAGES" in caught.value.hint


def test_a_base_with_modules_of_two_releases_leaves_the_release_open(root: FakeRoot) -> None:
    root.add("linux-x-old", "usr/lib/modules/7.1-x/modules.dep", base="linux-x")
    assert require_vmlinux(root.runner(), root=root.path).release == ""
