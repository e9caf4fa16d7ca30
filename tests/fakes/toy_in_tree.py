"""The toy kernel for PKGBUILDs that build in the tree: more of Kbuild's targets and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.kernel_tree import write_files
from tests.fakes.toy_kernel import KERNEL_C, make_toy

if TYPE_CHECKING:
    from pathlib import Path

TARGETS = """
all: $(objtree)/System.map
$(objtree)/System.map: $(objtree)/vmlinux
	@echo '  NM      System.map'
	@echo 'ffffffff81000000 T _text' > $@
htmldocs:
	@mkdir -p Documentation/output/.doctrees
	@echo '<p>toy</p>' > Documentation/output/index.html
image_name:
	@echo arch/x86/boot/bzImage
kernelrelease:
	@echo $(KERNELRELEASE)
modules = $(INSTALL_MOD_PATH)/lib/modules/$(KERNELRELEASE)
modules_install:
	@mkdir -p $(modules)
	@echo 'LLVM=$(LLVM) STRIP=$(INSTALL_MOD_STRIP)' > $(modules)/stripped-by
	@touch $(modules)/modules.order $(modules)/modules.builtin $(modules)/modules.builtin.modinfo
	@ln -s $(CURDIR) $(modules)/build
run-command:
	$(KBUILD_RUN_COMMAND)
"""
CONFIG_SCRIPT = """\
#!/bin/sh
# Options as of the kernel's scripts/config, for a .config here.
while [ $# -gt 0 ]; do
	sed -i -E "/^(# )?CONFIG_$2[= ]/d" .config
	case $1 in
	--enable) echo "CONFIG_$2=y" ;;
	--disable) echo "# CONFIG_$2 is not set" ;;
	--set-val) echo "CONFIG_$2=$3"; shift ;;
	--set-str) echo "CONFIG_$2=\\"$3\\""; shift ;;
	*) exit 1 ;;
	esac >> .config
	shift 2
done
"""
EXTMOD_SCRIPT = """\
#!/bin/sh
set -eu
: "${srctree:?make exports it}"
mkdir -p "$1"
cp Makefile "$1"
"""


PROPELLER = (
    "$(if $(CLANG_PROPELLER_PROFILE_PREFIX),"
    "-fbasic-block-sections=list=$(CLANG_PROPELLER_PROFILE_PREFIX)_cc_profile.txt)"
)


BLOCKS = """
OBJCOPY := $(filter /%,$(LLVM))llvm-objcopy$(filter -%,$(LLVM))
# clang 19 has another option for the map of blocks than later ones.
map := $(firstword $(foreach one,-fbasic-block-address-map -fbasic-block-sections=labels,\\
	$(shell $(CC) $(one) -S -x c /dev/null -o /dev/null 2> /dev/null && echo $(one))))
mapped = $(shell grep -qsx CONFIG_PROPELLER_CLANG=y $(objtree)/.config && echo y)
blocks = $(if $(mapped),-ffunction-sections $(if $(CLANG_PROPELLER_PROFILE_PREFIX),,$(map)))
order = $(if $(CLANG_PROPELLER_PROFILE_PREFIX),--no-warn-symbol-ordering \\
	--symbol-ordering-file=$(CLANG_PROPELLER_PROFILE_PREFIX)_ld_profile.txt)
"""
"""What scripts/Makefile.propeller does: a map of the blocks, or the lists that were made with it."""
LINK = "$(LD) -static --build-id=sha1 -T $(srctree)/kernel.lds $< -o $@\n"
LINK_AND_STRIP = """\
$(LD) -static --build-id=sha1 $(order) -T $(srctree)/kernel.lds $< -o $@.unstripped
	$(OBJCOPY) --remove-section=.llvm_bb_addr_map $@.unstripped $@
"""


def make_toy_in_tree(
    path: Path,
    *,
    source: str = KERNEL_C,
    refused: str = "CONFIG_NOTHING=",
    processors: tuple[str, ...] = (),
    blocks: bool = False,
) -> Path:
    """Write a toy kernel's tree that is built where it lies; processors are Kconfig's options.

    With blocks, CONFIG_PROPELLER_CLANG does what it does in a kernel.
    """
    make_toy(path, source=source, refused=refused)
    makefile = (path / "Makefile").read_text()
    makefile = makefile.replace("objtree := $(O)", "objtree := $(if $(O),$(O),$(CURDIR))")
    makefile = makefile.replace("$(profile) '-DSALT", f"{PROPELLER} $(KCFLAGS) $(profile) '-DSALT")
    if blocks:
        assert LINK in makefile
        makefile = makefile.replace(LINK, LINK_AND_STRIP)
        makefile = makefile.replace("\nexport srctree", f"{BLOCKS}\nexport srctree")
        makefile = makefile.replace(PROPELLER, f"$(blocks) {PROPELLER}")
    write_files(
        path,
        {
            "Makefile": makefile + TARGETS,
            "scripts/config": CONFIG_SCRIPT,
            "arch/x86/Kconfig.cpu": "".join(f"config {one}\n\tbool\n" for one in processors),
            "scripts/package/install-extmod-build": EXTMOD_SCRIPT,
        },
    )
    (path / "scripts/config").chmod(0o755)
    return path
