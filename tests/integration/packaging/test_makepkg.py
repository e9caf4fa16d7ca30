"""The real make, makepkg and bsdtar on a tree with Kbuild's pacman-pkg rule and nothing to compile."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import CommandError, HostError
from pkgafdo.host.users import require_builder
from pkgafdo.packaging import builder, pacman_pkg, pkginfo
from pkgafdo.packaging.settings import BuildSettings
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import Builder, LocalRunner
from tests.fakes.kernel_tree import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

MAKEFILE = """\
pacman-pkg:
	@ln -srf PKGBUILD $(O)/PKGBUILD
	+cd $(O) && BUILDDIR="$(O)/pacman" CARCH=x86_64 KBUILD_REVISION=1 makepkg $(MAKEPKGOPTS)
"""
PKGBUILD = """\
pkgbase=${PACMAN_PKGBASE:-linux-upstream}
pkgname=("${pkgbase}")
_extrapackages=${PACMAN_EXTRAPACKAGES-headers api-headers debug}
for pkg in $_extrapackages ${OLD:+api-headers}; do
	pkgname+=("${pkgbase}-${pkg}")
done
pkgver=7.2.13_pkgafdo
pkgrel="${KBUILD_REVISION}"
arch=(x86_64)
makedepends=(pahole)
options=(!debug !strip !buildflags !makeflags)
_package() { install -d "${pkgdir}/usr/lib/modules"; }
_package-headers() { install -d "${pkgdir}/usr/src"; }
_package-debug() { install -d "${pkgdir}/usr/src/debug"; }
_package-api-headers() { conflicts=(linux-api-headers); }
for _p in "${pkgname[@]}"; do
	eval "package_$_p() {
		$(declare -f "_package${_p#$pkgbase}")
		_package${_p#$pkgbase}
	}"
done
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    for program in ("make", "makepkg", "bsdtar", "fakeroot", "zstd"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    # pytest's own temporary folder is private to root, where the build user cannot go.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        tree = write_files(Path(name, "tree"), {"Makefile": MAKEFILE, "PKGBUILD": PKGBUILD})
        assert tree.is_dir()
        yield Path(name)


@pytest.fixture
def user() -> Builder | None:
    name = BuildSettings().user
    try:
        return require_builder(os.geteuid(), name)
    except HostError as error:
        pytest.skip(str(error))


def runner_for(folder: Path, user: Builder | None) -> LocalRunner:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return LocalRunner(env=env, logs=folder / "logs", builder=user)


def packaging_in(folder: Path) -> pacman_pkg.Packaging:
    return pacman_pkg.Packaging(
        settings=BuildSettings(pkgbase="linux-try"),
        destination=folder / "packages",
        scratch=folder / "scratch",
        pkgext=".pkg.tar.zst",
        has_pacman_database=False,
        makes_debug=True,
    )


def make_in(folder: Path, user: Builder | None, **env: str) -> Command:
    objects = builder.make_folder(folder / "objects", "objects", user)
    return Command(
        argv=("make", "-C", str(folder / "tree"), f"O={objects}"),
        cwd=objects,
        env={"SOURCE_DATE_EPOCH": "1700000000", **env},
        run_as=RunAs.BUILDER,
        log="build",
    )


def test_kernel_headers_and_debug_packages_come_out(folder, user):
    packaging = packaging_in(folder)
    packages = pacman_pkg.build_packages(
        runner_for(folder, user), make_in(folder, user), packaging, builder=user
    )
    assert [package.pkgname for package in packages] == [
        "linux-try", "linux-try-debug", "linux-try-headers",
    ]  # fmt: skip
    assert {package.pkgver for package in packages} == {"7.2.13_pkgafdo-1"}
    assert {package.pkgbase for package in packages} == {"linux-try"}
    assert all(package.path.parent == packaging.destination for package in packages)
    assert pkginfo.find_debug(packages) == packages[1]


def test_an_old_tree_that_insists_on_api_headers_is_filtered(folder, user):
    packages = pacman_pkg.build_packages(
        runner_for(folder, user), make_in(folder, user, OLD="1"), packaging_in(folder),
        builder=user,
    )  # fmt: skip
    assert len(list((folder / "packages").glob("*api-headers*"))) == 1
    assert "linux-try-api-headers" not in {package.pkgname for package in packages}


def test_makepkg_as_root_is_refused_by_makepkg_itself(folder):
    if os.geteuid() != 0:
        pytest.skip("only root sees this")
    with pytest.raises(CommandError) as caught:
        pacman_pkg.build_packages(
            runner_for(folder, None), make_in(folder, None), packaging_in(folder), builder=None
        )
    assert "root" in caught.value.details
