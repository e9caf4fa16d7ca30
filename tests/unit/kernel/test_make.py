from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import make
from pkgafdo.runner.command import RunAs

KBUILD = make.Kbuild(
    tree=Path("/src/linux"),
    objects=Path("/build/objects"),
    toolchain=Toolchain(make_value="-19", version=(19, 1, 7), tools={}),
    jobs=4,
    timestamp=1_700_000_000,
)


def test_the_command_names_tree_objects_and_toolchain():
    command = make.make_command(KBUILD, "olddefconfig", variables={"V": "1"}, log="configure")
    assert command.argv == (
        "make", "-C", "/src/linux", "O=/build/objects", "-j4", "LLVM=-19", "V=1", "olddefconfig",
    )  # fmt: skip
    assert command.cwd == Path("/build/objects")
    assert command.run_as is RunAs.BUILDER
    assert command.log == "configure"


def test_the_environment_makes_builds_reproducible():
    assert make.make_command(KBUILD, env={"LSMOD": "/m"}).env == {
        "KBUILD_BUILD_HOST": "pkgafdo",
        "KBUILD_BUILD_TIMESTAMP": "Tue Nov 14 22:13:20 UTC 2023",
        "KBUILD_BUILD_USER": "pkgafdo",
        "LC_ALL": "C",
        "LOCALVERSION": "",
        "LSMOD": "/m",
        "SOURCE_DATE_EPOCH": "1700000000",
    }


def test_a_profile_is_handed_over_by_absolute_path_with_its_digest_in_the_name():
    path = make.profile_file(Path("/run"), "0123456789abcdef" * 4)
    assert path == Path("/run/kernel-0123456789abcdef.afdo")
    assert make.profile_variables(path) == {"CLANG_AUTOFDO_PROFILE": str(path)}
    assert make.profile_variables(None) == {}
    with pytest.raises(ArtifactError, match="absolute"):
        make.profile_variables(Path("kernel.afdo"))


def with_lld(lto: str, *options: str) -> dict[str, str]:
    toolchain = Toolchain(make_value="-19", version=(19, 1, 7), tools={"ld.lld": "/usr/bin/ld.lld"})
    return make.code_variables(toolchain, lto, options)


def test_llvm_options_go_to_whoever_generates_the_code():
    assert with_lld("thin", "-one", "-two")["LD"] == "/usr/bin/ld.lld --mllvm=-one --mllvm=-two"
    assert "LD" not in with_lld("thin")
    without = with_lld("none", "-one", "-two")
    assert without["KCFLAGS"].endswith(" -mllvm -one -mllvm -two")
    assert "LD" not in without


def test_no_folder_of_a_build_gets_into_its_code():
    for lto in ("thin", "none"):
        assert "-fdebug-compilation-dir=." in with_lld(lto)["KCFLAGS"].split()


def test_propellers_lists_are_handed_over_by_the_prefix_of_an_absolute_path():
    prefix = make.layout_prefix(Path("/run"), "0123456789abcdef" * 4)
    variables = make.profile_variables(Path("/run/kernel.afdo"), prefix)
    assert variables["CLANG_PROPELLER_PROFILE_PREFIX"] == "/run/propeller-0123456789abcdef"
    with pytest.raises(ArtifactError, match="absolute"):
        make.profile_variables(None, Path("propeller"))
