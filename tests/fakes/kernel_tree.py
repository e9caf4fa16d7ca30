"""A kernel tree in a dozen small files, and object folders as Kbuild leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAKEFILE = """\
# SPDX-License-Identifier: GPL-2.0
VERSION = 7
PATCHLEVEL = 2
SUBLEVEL = 13
EXTRAVERSION =
NAME = Baby Opossum Posse

KERNELVERSION = $(VERSION)$(if $(PATCHLEVEL),.$(PATCHLEVEL))
"""
ARCH_KCONFIG = """\
config HAS_LTO_CLANG
	def_bool y
	depends on CC_IS_CLANG && LD_IS_LLD && AS_IS_LLVM
	depends on $(success,$(NM) --help | head -n 1 | grep -qi llvm)
	depends on !GCOV_KERNEL
	help
		LTO is supported.

config LTO_CLANG_THIN
	bool "Clang ThinLTO (EXPERIMENTAL)"
	depends on HAS_LTO_CLANG && ARCH_SUPPORTS_LTO_CLANG_THIN
	select LTO_CLANG

config PROPELLER_CLANG
	bool "Enable Clang's Propeller build"
"""
AUTOFDO_KCONFIG = """
config AUTOFDO_CLANG
	bool "Enable Clang's AutoFDO build (EXPERIMENTAL)"
	depends on CC_IS_CLANG
"""
MAKEFILE_AUTOFDO = """\
CFLAGS_AUTOFDO_CLANG := -fdebug-info-for-profiling

ifndef CONFIG_DEBUG_INFO
  CFLAGS_AUTOFDO_CLANG += -gmlt
endif

ifdef CLANG_AUTOFDO_PROFILE
  CFLAGS_AUTOFDO_CLANG += -fprofile-sample-use=$(CLANG_AUTOFDO_PROFILE) -ffunction-sections
endif

ifdef CONFIG_LTO_CLANG_THIN
  ifdef CLANG_AUTOFDO_PROFILE
    KBUILD_LDFLAGS += --lto-sample-profile=$(CLANG_AUTOFDO_PROFILE)
  endif
  KBUILD_LDFLAGS += -plugin-opt=thinlto
endif
"""
PKGBUILD = """\
pkgbase=${PACMAN_PKGBASE:-linux-upstream}
_extrapackages=${PACMAN_EXTRAPACKAGES-headers api-headers debug}
_package-debug(){
	install -Dt "${debugdir}" -m644 vmlinux
}
"""
PKGBUILD_611 = """\
pkgbase=${PACMAN_PKGBASE:-linux-upstream}
pkgname=("${pkgbase}" "${pkgbase}-headers" "${pkgbase}-api-headers")
"""
MAKEFILE_PACKAGE = "PHONY += pacman-pkg\npacman-pkg:\n\tmakepkg $(MAKEPKGOPTS)\n"


def make_tree(
    path: Path,
    *,
    autofdo: bool = True,
    pacman_pkg: bool = True,
    pkgbuild: str = PKGBUILD,
    dirty: bool = False,
) -> Path:
    """Write a tree that has, or lacks, what pkgafdo asks for; return its path."""
    contents = {
        "Makefile": MAKEFILE,
        "Kconfig": 'mainmenu "Linux/$(ARCH) $(KERNELVERSION) Kernel Configuration"\n',
        "arch/Kconfig": ARCH_KCONFIG + (AUTOFDO_KCONFIG if autofdo else ""),
        "init/Kconfig": "config LOCALVERSION\n\tstring\n",
        "scripts/Makefile.package": MAKEFILE_PACKAGE if pacman_pkg else "# deb-pkg\n",
    }
    if autofdo:
        contents["scripts/Makefile.autofdo"] = MAKEFILE_AUTOFDO
    if pacman_pkg:
        contents["scripts/package/PKGBUILD"] = pkgbuild
    if dirty:
        contents[".config"] = "CONFIG_64BIT=y\n"
    return write_files(path, contents)


def write_files(path: Path, contents: dict[str, str]) -> Path:
    """Write text files below a folder; return the folder."""
    for name, text in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def cmd_file(objects: Path, name: str, command: str) -> None:
    """Write the command that Kbuild would have recorded for an object."""
    path = objects / name
    recorded = path.with_name(f".{path.name}.cmd")
    recorded.parent.mkdir(parents=True, exist_ok=True)
    recorded.write_text(
        f"savedcmd_{name} := {command}\n\nsource_{name} := a.c\ndeps_{name} := \\\n"
    )
