"""What a finished build left in its object folder: release, boot image, vmlinux, modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.artifacts import Vmlinux
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

BOOT_IMAGES: Final = {
    "x86_64": "arch/x86/boot/bzImage",
    "aarch64": "arch/arm64/boot/Image.gz",
    "riscv64": "arch/riscv/boot/Image.gz",
}
"""KBUILD_IMAGE of each machine (arch/*/Makefile), by `uname -m`."""

ADDRESS_MAP: Final = ".llvm_bb_addr_map"
"""The section that tells Propeller the basic blocks."""
_MAPPED: Final = ("vmlinux.unstripped", "vmlinux")
"""Linux 6.13 and 6.14 make no vmlinux.unstripped, 6.15 to 6.17 only with KASLR; 6.18 and later always
do (scripts/Makefile.vmlinux), and then the map may be stripped from vmlinux."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltKernel:
    """A finished build; modules are unstripped, as the object folder keeps them."""

    objects: Path
    release: str
    image: Path
    vmlinux: Vmlinux
    config: Path
    modules: tuple[Path, ...]


def kernel_release(objects: Path) -> str:
    """Return the release (`uname -r`) of a build; raises ArtifactError before there is one."""
    path = _required(objects, "include/config/kernel.release")
    return path.read_text("utf-8").strip()


def modules(objects: Path) -> tuple[Path, ...]:
    """Return the modules of a build in modules.order, which names each one's object or .ko."""
    order = objects / "modules.order"
    names = order.read_text("utf-8").split() if order.is_file() else []
    return tuple((objects / name).with_suffix(".ko") for name in names)


def read_kernel(objects: Path, *, machine: str = "x86_64") -> BuiltKernel:
    """Return what a build left; raises ArtifactError for the first thing that is missing."""
    release = kernel_release(objects)
    vmlinux = _required(objects, "vmlinux")
    build_id = elf.build_id(vmlinux)
    if build_id is None:
        raise ArtifactError(f"{vmlinux} has no build-id", hint="Remove the objects and rebuild.")
    return BuiltKernel(
        objects=objects,
        release=release,
        image=_required(objects, BOOT_IMAGES[machine]),
        vmlinux=Vmlinux(path=vmlinux, build_id=build_id, release=release),
        config=_required(objects, ".config"),
        modules=modules(objects),
    )


def require_mapped(objects: Path) -> Path:
    """Return a build's vmlinux that has the address map; raises ArtifactError when none has."""
    for path in (objects / name for name in _MAPPED):
        if path.is_file() and any(part.name == ADDRESS_MAP for part in elf.sections(path)):
            return path
    raise ArtifactError(
        f"the kernel in {objects} has no basic-block address map",
        details=f"Neither {' nor '.join(_MAPPED)} has a section {ADDRESS_MAP}.",
        hint="It needs CONFIG_PROPELLER_CLANG=y and no CLANG_PROPELLER_PROFILE_PREFIX: does the build "
        "change that, or strip the section?",
    )


def _required(objects: Path, name: str) -> Path:
    path = objects / name
    if not path.is_file():
        raise ArtifactError(
            f"{objects} holds no finished kernel",
            details=f"{name} is missing.",
            hint="Build the kernel first; its log says why it did not finish.",
        )
    return path
