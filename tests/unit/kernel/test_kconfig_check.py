from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.kernel import findings, kconfig, kconfig_check, tree
from tests.fakes import kernel_tree

if TYPE_CHECKING:
    from pkgafdo.kernel.settings import Lto

WANTED = kconfig.wanted_options(lto="thin", localversion="-pkgafdo", profile_sha256=None)
GOOD = {
    "CC_IS_CLANG": "y",
    "CC_VERSION_TEXT": '"clang version 19.1.7"',
    "AUTOFDO_CLANG": "y",
    "LTO_CLANG_THIN": "y",
    "LOCALVERSION": '"-pkgafdo"',
    "LOCALVERSION_AUTO": "n",
    "BUILD_SALT": '"pkgafdo:baseline"',
    "MODULES": "y",
}


def test_a_configuration_that_took_everything_passes(tmp_path):
    found = kconfig_check.require_config(GOOD, WANTED, kernel_tree.make_tree(tmp_path))
    assert findings.failed(found) == ()
    assert {finding.name for finding in found} >= {"CC_IS_CLANG", "AUTOFDO_CLANG", "line tables"}


def test_an_lto_that_kconfig_refused_shows_the_trees_dependencies(tmp_path):
    source = kernel_tree.make_tree(tmp_path)
    config = GOOD | {"LTO_CLANG_THIN": "n", "LTO_NONE": "y", "GCOV_KERNEL": "y"}
    with pytest.raises(ConfigError, match="did not take LTO_CLANG_THIN") as caught:
        kconfig_check.require_config(config, WANTED, source)
    details = caught.value.details
    assert "LTO_CLANG_THIN: wanted y, got n" in details
    assert "depends on HAS_LTO_CLANG && ARCH_SUPPORTS_LTO_CLANG_THIN" in details
    assert "depends on !GCOV_KERNEL  [GCOV_KERNEL=y]" in details
    assert "grep -qi llvm)\n" in details + "\n"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"CC_IS_CLANG": "n"}, "CC_IS_CLANG"),
        ({"AUTOFDO_CLANG": "n", "DEBUG_INFO": "y"}, "AUTOFDO_CLANG"),
        ({"BUILD_SALT": '""'}, "BUILD_SALT"),
        ({"LOCALVERSION": '"-other"'}, "LOCALVERSION"),
        ({"LOCALVERSION_AUTO": "y"}, "LOCALVERSION_AUTO"),
        ({"MODULES": "n"}, "MODULES"),
        ({"DEBUG_INFO": "y", "DEBUG_INFO_SPLIT": "y"}, "line tables"),
    ],
)
def test_each_option_that_did_not_stick_is_named(tmp_path, change, name):
    found = kconfig_check.check_config(GOOD | change, WANTED, kernel_tree.make_tree(tmp_path))
    assert [finding.name for finding in findings.failed(found)] == [name]


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        kconfig_check.require_config({}, WANTED, kernel_tree.make_tree(tmp_path))
    for name in ("CC_IS_CLANG", "AUTOFDO_CLANG", "LTO_CLANG_THIN", "MODULES", "line tables"):
        assert name in caught.value.message


def test_lto_kinds_that_never_see_the_profile_are_refused(tmp_path):
    facts = tree.inspect(kernel_tree.make_tree(tmp_path))
    kconfig_check.require_lto(facts, "thin")
    kconfig_check.require_lto(facts, "none")
    refused: tuple[Lto, ...] = ("full", "thin-dist")
    for lto in refused:
        with pytest.raises(ConfigError, match=f"“{lto}” does not get the profile") as caught:
            kconfig_check.require_lto(facts, lto)
        assert "for thin;" in caught.value.details


def test_full_lto_is_allowed_where_the_tree_passes_the_profile(tmp_path):
    source = kernel_tree.make_tree(tmp_path)
    makefile = kernel_tree.MAKEFILE_AUTOFDO.replace("LTO_CLANG_THIN", "LTO_CLANG")
    kernel_tree.write_files(source, {"scripts/Makefile.autofdo": makefile})
    kconfig_check.require_lto(tree.inspect(source), "full")


def test_a_release_longer_than_the_kernel_allows_is_refused():
    assert kconfig_check.require_release("7.2.13", "-pkgafdo") == "7.2.13-pkgafdo"
    with pytest.raises(ConfigError, match="66 characters"):
        kconfig_check.require_release("7.2.13-rc1", "-" + "x" * 55)
