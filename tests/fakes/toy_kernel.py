"""A kernel tree that make, makepkg and pacman take for one, and that is built in seconds.

Its Makefile knows the targets of Kbuild that pkgafdo calls and leaves what Kbuild leaves: a .config,
kernel.release, a vmlinux with line tables, build-id and build salt, a boot image, recorded commands.
While a file called `hold` lies beside the tree, the build waits in its middle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.kernel_tree import make_tree, write_files

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "7.2.13-pkgafdo-base"
"""The release of the baseline kernel with the default settings."""
HOLD = "hold"

MAKEFILE = """\
VERSION = 7
PATCHLEVEL = 2
SUBLEVEL = 13
EXTRAVERSION =
NAME = Toy

srctree := $(CURDIR)
objtree := $(O)
string = $(shell sed -n 's/^CONFIG_$(1)="\\(.*\\)"$$/\\1/p' $(objtree)/.config)
CC := $(filter /%,$(LLVM))clang$(filter -%,$(LLVM))
LD := $(filter /%,$(LLVM))ld.lld$(filter -%,$(LLVM))
KERNELRELEASE = $(VERSION).$(PATCHLEVEL).$(SUBLEVEL)$(call string,LOCALVERSION)
profile := $(if $(CLANG_AUTOFDO_PROFILE),-DOPTIMISED -fprofile-sample-use=$(CLANG_AUTOFDO_PROFILE))
flags = -O2 -gmlt @sections@-fdebug-info-for-profiling -mcmodel=kernel -fno-pic -ffreestanding \\
	$(profile) '-DSALT="$(call string,BUILD_SALT)"'
export srctree objtree LLVM CLANG_AUTOFDO_PROFILE

all: $(objtree)/vmlinux $(objtree)/arch/x86/boot/bzImage $(objtree)/include/config/kernel.release

bzImage: $(objtree)/arch/x86/boot/bzImage
FORCE:

allnoconfig:
	@$(MAKE) -s take FROM=$(KCONFIG_ALLCONFIG)
olddefconfig:
	@$(MAKE) -s take FROM=$(objtree)/.config
defconfig:
	@: > $(objtree)/.config
take:
	@sed -E '/@refused@/d' $(FROM) > $(objtree)/.config.new
	@grep -q CC_IS_CLANG $(objtree)/.config.new || echo CONFIG_CC_IS_CLANG=y >> $(objtree)/.config.new
	@cmp -s $(objtree)/.config.new $(objtree)/.config || mv -f $(objtree)/.config.new $(objtree)/.config

$(objtree)/early.o: $(objtree)/.config
	@echo '  CC      early.o'
	@touch $@
$(objtree)/kernel.o: $(objtree)/early.o $(srctree)/kernel.c $(CLANG_AUTOFDO_PROFILE)
	@while [ -e $(srctree)/../hold ]; do sleep 0.05; done
	@echo '  CC      kernel.o'
	$(CC) $(flags) -c $(srctree)/kernel.c -o $@
	@echo "savedcmd_kernel.o := $(CC) $(filter-out -DSALT%,$(flags)) -c kernel.c" > $(objtree)/.kernel.o.cmd
$(objtree)/linker: FORCE
	@echo '$(LD)' | cmp -s - $@ || echo '$(LD)' > $@
$(objtree)/vmlinux: $(objtree)/kernel.o $(objtree)/linker
	@echo '  LD      vmlinux'
	$(LD) -static --build-id=sha1 -T $(srctree)/kernel.lds $< -o $@
$(objtree)/arch/x86/boot/bzImage: $(objtree)/vmlinux
	@mkdir -p $(@D)
	@{ echo toy; sha256sum < $<; } > $@
$(objtree)/include/config/kernel.release: $(objtree)/.config
	@mkdir -p $(@D)
	@echo $(KERNELRELEASE) > $@

pacman-pkg:
	@ln -srf $(srctree)/scripts/package/PKGBUILD $(objtree)/PKGBUILD
	+cd $(objtree) && BUILDDIR=$(objtree)/pacman CARCH=x86_64 KBUILD_REVISION=1 \\
		KERNELRELEASE=$(KERNELRELEASE) makepkg $(MAKEPKGOPTS)
"""
PKGBUILD = """\
pkgbase=${PACMAN_PKGBASE:-linux-upstream}
pkgname=("${pkgbase}")
_extrapackages=${PACMAN_EXTRAPACKAGES-headers api-headers debug}
for pkg in $_extrapackages; do
	pkgname+=("${pkgbase}-${pkg}")
done
pkgver="$(echo "${KERNELRELEASE}" | sed 's/-/_/g')"
pkgrel="${KBUILD_REVISION}"
pkgdesc='A toy'
arch=(${CARCH})
options=(!debug !strip !buildflags !makeflags)

build() {
	unset MAKEFLAGS
	make -C "$srctree" O="$objtree" all
}
_package() {
	local modulesdir="${pkgdir}/usr/lib/modules/${KERNELRELEASE}"
	install -Dm644 "$objtree/arch/x86/boot/bzImage" "${modulesdir}/vmlinuz"
	echo "${pkgbase}" > "${modulesdir}/pkgbase"
	touch "${modulesdir}"/modules.{order,builtin,builtin.modinfo}
}
_package-headers() {
	install -Dm644 "$objtree/.config" "${pkgdir}/usr/lib/modules/${KERNELRELEASE}/build/.config"
}
_package-debug() {
	local debugdir="${pkgdir}/usr/src/debug/${pkgbase}"
	local builddir="${pkgdir}/usr/lib/modules/${KERNELRELEASE}/build"
	install -Dt "${debugdir}" -m644 "$objtree/vmlinux"
	mkdir -p "${builddir}"
	ln -sr "${debugdir}/vmlinux" "${builddir}/vmlinux"
}
for _p in "${pkgname[@]}"; do
	eval "package_$_p() {
		$(declare -f "_package${_p#$pkgbase}")
		_package${_p#$pkgbase}
	}"
done
"""
NOTES_C = """\
asm(".pushsection .note.Linux,\\"a\\",@note\\n.balign 4\\n.long 6, 2f - 1f, 0x100\\n"
    ".asciz \\"Linux\\"\\n.balign 4\\n1: .asciz \\"" SALT "\\"\\n2: .balign 4\\n.popsection");
#ifdef OPTIMISED
asm(".globl work.cold\\n.type work.cold, @function\\nwork.cold: ret\\n.size work.cold, 1");
#endif
"""
"""The build salt, and what a profile makes of a kernel: a function in a hot and a cold part."""
KERNEL_C = (
    NOTES_C
    + """\
static volatile unsigned long sink;
__attribute__((noinline)) unsigned long work(unsigned long x)
{
	unsigned long sum = 0;
	for (unsigned long at = 0; at < (x & 7); at++)
		sum += at & 1 ? at * x : at ^ x;
	return sum;
}
void entry(void) { sink += work(sink); }
void start_kernel(void) { for (unsigned long x = 1;; x++) sink += work(x); }
"""
)
BROKEN_C = "int fork(void)\n{\n\treturn nonsense;\n}\n"
LINKER_SCRIPT = """\
ENTRY(start_kernel)
PHDRS { text PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); note PT_NOTE FLAGS(4); }
SECTIONS {
  . = 0xffffffff81000000;
  .text : {
    _text = .; _stext = .;
    __entry_text_start = .; *(.text.entry) __entry_text_end = .;
    *(.text .text.*) _etext = .;
  } :text
  .notes : { *(.note.*) } :text :note
  . = ALIGN(0x1000);
  .data : { *(.data .data.* .bss .bss.* COMMON) } :data
}
"""


def make_toy(
    path: Path,
    *,
    source: str = KERNEL_C,
    refused: str = "CONFIG_NOTHING=",
    package: bool = True,
    sections: bool = False,
) -> Path:
    """Write a toy kernel's tree; `refused` is a pattern of the options that Kconfig does not grant.

    Without `package` make pacman-pkg ends well and leaves no package. With `sections` the linker can
    order functions; they then lie elsewhere than the played recordings say.
    """
    make_tree(path, pkgbuild=PKGBUILD)
    makefile = MAKEFILE.replace("@refused@", refused)
    makefile = makefile.replace("@sections@", "-ffunction-sections " if sections else "")
    if not package:
        makefile = makefile.partition("pacman-pkg:")[0] + "pacman-pkg: all\n"
    return write_files(
        path, {"Makefile": makefile, "kernel.c": source, "kernel.lds": LINKER_SCRIPT}
    )
