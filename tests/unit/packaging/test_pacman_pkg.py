from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, CommandError, ConfigError
from pkgafdo.packaging import pacman_pkg
from pkgafdo.packaging.settings import BuildSettings
from pkgafdo.runner.command import Command, Result, RunAs
from tests.fakes.runner import FakeRunner

MAKE = Command(
    argv=("make", "-C", "/src/linux", "O=/build", "-j2", "LLVM=1"),
    cwd=Path("/build"),
    env={"KBUILD_BUILD_USER": "pkgafdo"},
    run_as=RunAs.BUILDER,
    log="build",
)


@pytest.fixture
def packaging(tmp_path) -> pacman_pkg.Packaging:
    return pacman_pkg.Packaging(
        settings=BuildSettings(),
        destination=tmp_path / "packages",
        scratch=tmp_path / "scratch",
        pkgext=".pkg.tar.zst",
        has_pacman_database=False,
        makes_debug=False,
    )


def info(path: str, pkgbase: str) -> str:
    name = Path(path).name.removesuffix(".pkg.tar.zst")
    return f"pkgname = {name}\npkgbase = {pkgbase}\npkgver = 7.2-1\narch = x86_64\n"


def makepkg(*names: str, pkgbase: str = "linux-pkgafdo", returncode: int = 0) -> FakeRunner:
    """A make that leaves packages of these names in PKGDEST, and a bsdtar that reads them."""

    def make(command: Command) -> Result:
        for name in names:
            Path(command.env["PKGDEST"], f"{name}.pkg.tar.zst").write_text("")
        return Result(returncode=returncode, stdout="  CC      a.o\n")

    def bsdtar(command: Command) -> Result:
        return Result(returncode=0, stdout=info(command.argv[2], pkgbase))

    return FakeRunner(answers={"make": make, "bsdtar": bsdtar})


def test_the_command_extends_make_by_a_target_and_makepkgs_environment(packaging):
    command = pacman_pkg.pacman_pkg_command(MAKE, packaging)
    assert command.argv == (*MAKE.argv, "pacman-pkg")
    assert command.env == {
        "KBUILD_BUILD_USER": "pkgafdo",
        "LOGDEST": str(packaging.scratch),
        "MAKEPKGOPTS": "--nodeps --clean --nosign",
        "PACKAGER": "pkgafdo <pkgafdo@localhost>",
        "PACMAN_EXTRAPACKAGES": "headers debug",
        "PACMAN_PKGBASE": "linux-pkgafdo",
        "PKGDEST": str(packaging.destination),
        "PKGEXT": ".pkg.tar.zst",
        "SRCDEST": str(packaging.scratch),
        "SRCPKGDEST": str(packaging.scratch),
    }
    assert (command.cwd, command.run_as, command.log) == (MAKE.cwd, RunAs.BUILDER, "build")


def test_makepkg_looks_dependencies_up_only_where_pacman_has_a_database():
    settings = BuildSettings(makepkg_options=("--nocolor",))
    assert pacman_pkg.makepkg_options(settings, has_pacman_database=True) == (
        "--syncdeps", "--noconfirm", "--clean", "--nosign", "--nocolor",
    )  # fmt: skip
    assert pacman_pkg.makepkg_options(settings, has_pacman_database=False)[0] == "--nodeps"


def test_packages_are_signed_only_when_asked():
    options = pacman_pkg.makepkg_options(BuildSettings(sign=True), has_pacman_database=False)
    assert "--sign" in options
    assert "--nosign" not in options


def test_the_suffix_follows_the_wish_and_then_the_host():
    assert pacman_pkg.choose_pkgext(BuildSettings(), has_zstd=True) == ".pkg.tar.zst"
    assert pacman_pkg.choose_pkgext(BuildSettings(), has_zstd=False) == ".pkg.tar.gz"
    wish = BuildSettings(pkgext=".pkg.tar.xz")
    assert pacman_pkg.choose_pkgext(wish, has_zstd=True) == ".pkg.tar.xz"


def test_what_came_out_is_read_from_the_packages(packaging):
    runner = makepkg("linux-pkgafdo", "linux-pkgafdo-headers", "linux-pkgafdo-debug")
    lines: list[str] = []
    packages = pacman_pkg.build_packages(
        runner, MAKE, packaging, builder=None, on_line=lines.append
    )
    assert [package.pkgname for package in packages] == [
        "linux-pkgafdo", "linux-pkgafdo-debug", "linux-pkgafdo-headers",
    ]  # fmt: skip
    assert lines == ["  CC      a.o"]


def test_api_headers_of_an_old_tree_are_left_out(packaging):
    runner = makepkg("linux-pkgafdo", "linux-pkgafdo-headers", "linux-pkgafdo-api-headers")
    packages = pacman_pkg.build_packages(runner, MAKE, packaging, builder=None)
    assert "linux-pkgafdo-api-headers" not in {package.pkgname for package in packages}


def test_packages_of_an_earlier_build_are_removed_first(packaging):
    pacman_pkg.build_packages(makepkg("linux-pkgafdo"), MAKE, packaging, builder=None)
    (packaging.destination / "linux-old.pkg.tar.zst").write_text("")
    packages = pacman_pkg.build_packages(makepkg("linux-pkgafdo"), MAKE, packaging, builder=None)
    assert [package.pkgname for package in packages] == ["linux-pkgafdo"]


def test_a_destination_with_foreign_files_is_not_emptied(packaging):
    packaging.destination.mkdir()
    (packaging.destination / "thesis.txt").write_text("")
    with pytest.raises(ConfigError, match="not made by pkgafdo"):
        pacman_pkg.build_packages(FakeRunner(), MAKE, packaging, builder=None)
    assert (packaging.destination / "thesis.txt").is_file()


def test_signatures_are_not_taken_for_packages(packaging):
    runner = makepkg("linux-pkgafdo")
    pacman_pkg.build_packages(runner, MAKE, packaging, builder=None)
    (packaging.destination / "linux-pkgafdo.pkg.tar.zst.sig").write_text("")
    assert len(pacman_pkg.read_packages(runner, packaging)) == 1


def test_a_build_that_leaves_no_kernel_package_is_an_error(packaging):
    with pytest.raises(ArtifactError, match="no package “linux-pkgafdo”") as caught:
        pacman_pkg.build_packages(makepkg(), MAKE, packaging, builder=None)
    assert "Found there: nothing." in caught.value.details


def test_packages_of_another_base_are_an_error(packaging):
    runner = makepkg("linux-pkgafdo", pkgbase="linux-upstream")
    with pytest.raises(ArtifactError, match="left no package"):
        pacman_pkg.build_packages(runner, MAKE, packaging, builder=None)


def test_a_failed_build_is_a_command_error(packaging):
    with pytest.raises(CommandError):
        pacman_pkg.build_packages(makepkg(returncode=2), MAKE, packaging, builder=None)


def test_a_tree_that_packages_vmlinux_must_have_done_so(packaging):
    strict = replace(packaging, makes_debug=True)
    with pytest.raises(ArtifactError, match="left no package “linux-pkgafdo-debug”"):
        pacman_pkg.build_packages(makepkg("linux-pkgafdo"), MAKE, strict, builder=None)
    runner = makepkg("linux-pkgafdo", "linux-pkgafdo-debug")
    assert len(pacman_pkg.build_packages(runner, MAKE, strict, builder=None)) == 2


def test_packages_are_signed_with_the_key_that_was_named(packaging):
    signing = replace(
        packaging, settings=BuildSettings(sign=True), gpgkey="me@example.org", gnupghome="/keys"
    )
    env = pacman_pkg.pacman_pkg_command(MAKE, signing).env
    assert env["MAKEPKGOPTS"].split()[-1] == "--sign"
    assert (env["GPGKEY"], env["GNUPGHOME"]) == ("me@example.org", "/keys")
    unsigned = pacman_pkg.pacman_pkg_command(MAKE, replace(signing, settings=BuildSettings())).env
    assert not {"GPGKEY", "GNUPGHOME"} & unsigned.keys()
