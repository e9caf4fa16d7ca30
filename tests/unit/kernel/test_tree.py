from __future__ import annotations

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import tree
from tests.fakes import kernel_tree


def test_a_tree_with_everything_is_buildable(tmp_path):
    facts = tree.inspect(kernel_tree.make_tree(tmp_path))
    assert facts == tree.TreeFacts(
        path=tmp_path,
        version="7.2.13",
        has_pacman_pkg=True,
        has_autofdo=True,
        has_propeller=True,
        makes_extrapackages=True,
        makes_debug=True,
        lto_with_profile=frozenset({"thin"}),
        dirty=(),
    )
    tree.require_buildable(facts)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\nEXTRAVERSION = -rc7\n", "6.12.0-rc7"),
        ("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL =\nEXTRAVERSION =\n", "6.12"),
        ("VERSION = 6\nPATCHLEVEL = 12\nVERSION = 9\n", "6.12"),
        ("VERSION = 1.2\n", None),
        ("all:\n\techo hello\n", None),
    ],
)
def test_the_version_is_read_from_the_makefile(text, version):
    assert tree.parse_version(text) == version


def test_a_folder_that_is_no_kernel_says_what_it_lacks(tmp_path):
    kernel_tree.write_files(tmp_path, {"Makefile": "VERSION = 3\nPATCHLEVEL = 1\n"})
    with pytest.raises(ArtifactError, match="not a Linux kernel") as caught:
        tree.inspect(tmp_path)
    assert caught.value.details == "It has no Kconfig."
    assert caught.value.exit_code == 5


def test_an_absent_folder_and_a_foreign_makefile_are_told_apart(tmp_path):
    with pytest.raises(ArtifactError) as absent:
        tree.inspect(tmp_path / "nowhere")
    kernel_tree.write_files(tmp_path, {"Makefile": "all:\n", "Kconfig": ""})
    with pytest.raises(ArtifactError) as foreign:
        tree.inspect(tmp_path)
    assert "no folder" in absent.value.details
    assert "sets no VERSION" in foreign.value.details


def test_a_tree_without_autofdo_is_refused_whatever_its_version(tmp_path):
    facts = tree.inspect(kernel_tree.make_tree(tmp_path, autofdo=False))
    with pytest.raises(ArtifactError, match="no CONFIG_AUTOFDO_CLANG") as caught:
        tree.require_buildable(facts)
    assert str(tmp_path) in caught.value.message
    assert "arch/Kconfig" in caught.value.details
    assert "6.13" in caught.value.hint
    assert "6.12/base-autofdo" in caught.value.hint


def test_a_tree_without_pacman_pkg_is_refused(tmp_path):
    facts = tree.inspect(kernel_tree.make_tree(tmp_path, pacman_pkg=False))
    with pytest.raises(ArtifactError, match="cannot make pacman packages") as caught:
        tree.require_buildable(facts)
    assert "6.11" in caught.value.hint


def test_a_tree_that_was_built_in_is_refused_and_left_alone(tmp_path):
    facts = tree.inspect(kernel_tree.make_tree(tmp_path, dirty=True))
    with pytest.raises(ArtifactError, match="built in") as caught:
        tree.require_buildable(facts)
    assert caught.value.details.startswith("Found .config;")
    assert f"make -C {tmp_path} mrproper" in caught.value.hint
    assert (tmp_path / ".config").is_file()


def test_a_611_tree_makes_no_debug_package(tmp_path):
    facts = tree.inspect(kernel_tree.make_tree(tmp_path, pkgbuild=kernel_tree.PKGBUILD_611))
    assert facts.has_pacman_pkg
    assert not facts.makes_debug
    assert not facts.makes_extrapackages


LINE = "    KBUILD_LDFLAGS += --lto-sample-profile=$(CLANG_AUTOFDO_PROFILE)\n"
EVERY = {"thin", "full", "thin-dist"}


@pytest.mark.parametrize(
    ("makefile", "modes"),
    [
        (kernel_tree.MAKEFILE_AUTOFDO, {"thin"}),
        (f"ifdef CONFIG_LTO_CLANG\n{LINE}endif\n", EVERY),
        (LINE, EVERY),
        ("", set()),
        (f"# {LINE}", set()),
        (f"ifdef CONFIG_LTO_CLANG_FULL\n{LINE}endif\nifdef CONFIG_LTO_CLANG_THIN\n{LINE}endif\n",
         {"full", "thin"}),
        (f"ifneq ($(CONFIG_LTO_CLANG_THIN)$(CONFIG_LTO_CLANG_THIN_DIST),)\n{LINE}endif\n",
         {"thin", "thin-dist"}),
        (f"ifeq ($(CONFIG_LTO_CLANG_THIN_DIST),)\n{LINE}endif\n", {"thin", "full"}),
        (f"ifdef CONFIG_LTO_CLANG_THIN\nelse\n{LINE}endif\n", {"full", "thin-dist"}),
        (f"ifdef CONFIG_LTO_CLANG_THIN\nelse ifdef CONFIG_LTO_CLANG_FULL\n{LINE}endif\n", {"full"}),
        (f"ifndef CONFIG_LTO_CLANG_FULL\n{LINE}endif\n", {"thin", "thin-dist"}),
        (f"ifdef CLANG_AUTOFDO_PROFILE\nelse\n{LINE}endif\n", EVERY),
        (f"endif\n{LINE}", EVERY),
    ],
)  # fmt: skip
def test_the_conditionals_around_the_linkers_profile_decide_which_lto_gets_it(makefile, modes):
    assert tree.lto_with_profile(makefile) == modes


def test_kconfig_dependencies_are_quoted_from_the_tree(tmp_path):
    source = kernel_tree.make_tree(tmp_path)
    assert tree.kconfig_entry(source, "arch/Kconfig", "LTO_CLANG_THIN") == (
        "depends on HAS_LTO_CLANG && ARCH_SUPPORTS_LTO_CLANG_THIN",
    )
    assert tree.kconfig_entry(source, "arch/Kconfig", "NO_SUCH_OPTION") == ()
    assert tree.kconfig_entry(source, "no/Kconfig", "LTO_CLANG_THIN") == ()
