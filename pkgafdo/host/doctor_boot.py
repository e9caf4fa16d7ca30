"""The lines of the page about booting what was built: Secure Boot, boot loader, foreign modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.host.boot_loader import OneShot
from pkgafdo.host.doctor import Finding, Level
from pkgafdo.host.kvm import KvmState
from pkgafdo.host.secure_boot import REMEDY, SecureBoot

if TYPE_CHECKING:
    from pkgafdo.host.boot_loader import BootLoader
    from pkgafdo.host.dkms import OutOfTree
    from pkgafdo.host.kvm import Kvm

_TOPIC = "booting"


def _line(name: str, level: Level, text: str, hint: str = "") -> Finding:
    return Finding(topic=_TOPIC, name=name, level=level, text=text, hint=hint)


def secure_boot_finding(state: SecureBoot, *, must_boot: bool) -> Finding:
    """Say whether the firmware would refuse our kernel; `must_boot`: the configured run boots it."""
    if not state.refuses:
        return _line("Secure Boot", Level.FINE, state.value)
    level = Level.MISSING if must_boot else Level.NOTE
    return _line("Secure Boot", level, "on: a kernel that nobody signed does not boot", REMEDY)


def boot_loader_finding(loader: BootLoader, *, tool: str | None) -> Finding:
    """Say whether a kernel can be booted once; `tool` is where the program for that was found."""
    if loader.oneshot is OneShot.NONE:
        text = f"{loader.name}: no one-shot boot ({loader.why})"
        return _line("boot loader", Level.NOTE, text, loader.by_hand)
    if tool is None:
        hint = {
            OneShot.BOOTCTL: "Install bootctl (Arch: systemd, Debian: systemd-boot).",
            OneShot.GRUB_REBOOT: "Install grub-reboot (Arch: grub, Debian: grub2-common).",
        }[loader.oneshot]
        text = f"{loader.name}: {loader.oneshot} is not installed"
        return _line("boot loader", Level.NOTE, text, hint)
    return _line("boot loader", Level.FINE, f"{loader.name}, boots an entry once ({tool})")


def out_of_tree_finding(found: OutOfTree, *, installs: bool) -> Finding:
    """Say which modules a kernel that clang built needs built by clang as well."""
    if not found.any:
        return _line("foreign modules", Level.FINE, "none are used")
    text = "; ".join(
        f"{how}: {', '.join(names)}"
        for how, names in (("DKMS", found.dkms), ("loaded", found.loaded))
        if names
    )
    hint = (
        "DKMS builds them for the new kernel with clang, which must stay installed (Arch: clang, "
        "lld, llvm; Debian: clang-19, lld-19, llvm-19), and needs its -headers package."
    )
    if not found.dkms:
        hint = (
            f"The new kernel will lack {', '.join(found.loaded)}: install the DKMS variant of its package "
            "(Arch: dkms with for example nvidia-open-dkms; Debian: dkms)."
        )
    return _line("foreign modules", Level.NOTE if installs else Level.FINE, text, hint)


def kvm_finding(kvm: Kvm, device: str = "/dev/kvm") -> Finding:
    """Say whether KVM runs guests; without it QEMU emulates, as the virtual LBR does anyway."""
    emulation = "Not needed: guests are emulated, which the virtual LBR does in any case."
    match kvm.state:
        case KvmState.WORKS:
            return Finding(
                topic="virtual machine", name="KVM", level=Level.FINE, text="a guest ran"
            )
        case KvmState.ABSENT:
            text = f"there is no {device}"
        case KvmState.CLOSED:
            text = f"this user may not use it ({kvm.evidence})"
            emulation += " To change that, join the group kvm."
        case KvmState.BROKEN:
            text = f"{device} is there, but no guest runs ({kvm.evidence})"
    return Finding(topic="virtual machine", name="KVM", level=Level.NOTE, text=text, hint=emulation)
