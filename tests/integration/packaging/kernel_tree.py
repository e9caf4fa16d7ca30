"""A tarball of a tree whose make writes down what it was given, with what its PKGBUILD wants."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MAKEFILE = """\
note = @echo "$@ LLVM=$(LLVM) profile=$(CLANG_AUTOFDO_PROFILE)" >> ../made
olddefconfig prepare config:
\t$(note)
defconfig:
\t$(note)
\techo CONFIG_X86=y > .config
mrproper:
\trm -f .config
htmldocs:
\t$(note)
all: vmlinux
\t$(note)
vmlinux:
\tcp /bin/true $@; touch Module.symvers bzImage
kernelrelease:
\t@echo 7.2.0-example
image_name:
\t@echo bzImage
modules_install:
\t$(note)
\tmkdir -p $(INSTALL_MOD_PATH)/lib/modules/7.2.0-example/build
.PHONY: olddefconfig prepare config defconfig mrproper htmldocs all modules_install
"""
# It takes -e NAME and -d NAME, and drops AutoFDO where KCONFIG_DROPS is in the configuration.
_CONFIG = """\
#!/bin/bash
while (($#)); do
  sed -i "/^CONFIG_$2=/d" .config
  if [[ $1 == -e ]] && ! grep -q DROPS .config; then echo "CONFIG_$2=y" >> .config; fi
  shift 2
done
"""


def pack(folder: Path, name: str) -> Path:
    """Write NAME.tar.gz, its signature's file and the other sources into a folder."""
    tree = folder.parent / f"tree-{name}" / name
    for place in ("scripts", "tools/bpf/bpftool"):
        (tree / place).mkdir(parents=True)
    (tree / "Makefile").write_text(_MAKEFILE)
    (tree / "scripts/config").write_text(_CONFIG)
    (tree / "scripts/config").chmod(0o755)
    (tree / "tools/bpf/bpftool/Makefile").write_text("vmlinux.h:\n\ttouch $@\n")
    tarball = folder / f"{name}.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        archive.add(tree, name)
    (folder / f"{name}.tar.gz.asc").touch()
    return tarball
