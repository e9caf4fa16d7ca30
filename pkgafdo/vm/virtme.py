"""virtme-ng: a guest whose root is the host's, read-only, for commands of the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ConfigError, HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.runner.base import Runner
    from pkgafdo.vm.settings import VmSettings

PROGRAM: Final = "virtme-run"
"""What vng itself starts, through a shell and without quoting; this one takes arguments as they are."""
FRAGMENT: Final = "virtme"
"""The built-in configuration fragment that has all of the options below."""
SHARE: Final = "/run/pkgafdo"
"""Where the shared folder is in the guest; /run is one of the few places that can be written there."""

NEEDED: Final[Mapping[str, str]] = {
    "VIRTIO_PCI": "the devices of the guest",
    "NET_9P": "the host's root in the guest",
    "NET_9P_VIRTIO": "the host's root in the guest",
    "9P_FS": "the host's root in the guest",
    "OVERLAY_FS": "folders that can be written in the guest alone",
    "TMPFS": "folders that can be written in the guest alone",
    "DEVTMPFS": "devices in the guest",
    "PROC_FS": "processes in the guest",
    "SYSFS": "devices in the guest",
    "SERIAL_8250_CONSOLE": "what the guest's kernel says",
    "BINFMT_SCRIPT": "scripts in the guest",
}
"""Options that a kernel must have, built in or as modules, and what for."""

_ROOT_FLAGS: Final = "version=9p2000.L,trans=virtio,access=any,msize=524288,cache=loose"
_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9_+ /.-]")
"""What virtme-ng refuses in the path of a shared folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One boot of a kernel on the host's root.

    program is virtme-run; share the host's folder that both write in, with the script `errand.sh`; qemu
    QEMU's path; plugin its -plugin value, or in its place lbr_format the LBR that KVM passes on. modules
    lets virtme-ng look for the kernel's modules, in the tree that its image is installed in; layers are
    folders that its own init must be able to write to.
    """

    program: str
    image: Path
    share: Path
    qemu: str
    plugin: str = ""
    lbr_format: int = 0
    modules: bool = False
    layers: tuple[str, ...] = ("/etc",)


def missing_options(options: Mapping[str, str]) -> tuple[str, ...]:
    """Return which of the needed options a kernel's configuration has not; pure."""
    return tuple(name for name in NEEDED if options.get(name, "n") not in {"y", "m"})


def require_options(options: Mapping[str, str], kernel: str) -> None:
    """Raise HostError when a kernel cannot be virtme-ng's guest; says which options it lacks."""
    missing = missing_options(options)
    if missing:
        raise HostError(
            f"{kernel} cannot run commands of this machine in a VM",
            details="\n".join(f"CONFIG_{name} is not set: {NEEDED[name]}" for name in missing),
            hint="Build it with the fragment for that: "
            f"--set 'kernel.fragments=[\"{FRAGMENT}\"]'; or "
            "record the shipped workload, or workload.command, which need none of it.",
        )


def find_virtme(runner: Runner, beside: Path) -> str | None:
    """Return virtme-run, from PATH or from the folder of our own Python; None without it."""
    place = beside / PROGRAM
    return runner.which(PROGRAM) or (str(place) if place.is_file() else None)


def require_virtme(runner: Runner, beside: Path) -> str:
    """Return virtme-run as `find_virtme` does. Raises HostError without it."""
    found = find_virtme(runner, beside)
    if found is not None:
        return found
    raise HostError(
        "virtme-ng is not installed, which runs commands of this machine in a VM",
        details=f"There is no {PROGRAM} on PATH or in {beside}.",
        hint="Install it (Arch: virtme-ng; Debian 13: virtme-ng; elsewhere: pip install "
        "'pkgafdo[vng]'), or record the shipped workload: `pkgafdo record` without --vm.",
    )


def require_shareable(folder: Path) -> None:
    """Raise ConfigError when virtme-ng would refuse a shared folder for its name."""
    if found := _UNSAFE.search(str(folder)):
        raise ConfigError(
            f"virtme-ng cannot share {folder} with the guest",
            details=f"Its path holds {found.group()!r}.",
            hint="Set TMPDIR to a folder with a plainer name.",
        )


def virtme_command(settings: VmSettings, visit: Visit) -> Command:
    """Return the command of one boot that runs the shared folder's errand.sh as root; pure.

    The kernel's messages go to virtme-ng's standard error, which must be a file.
    """
    kernel = ["nokaslr", "loglevel=4", f"rootflags={_ROOT_FLAGS}"]
    if not visit.lbr_format:
        kernel.append("nolapic_timer")
        if settings.cpu_features:
            kernel.append(f"setcpuid={','.join(settings.cpu_features)}")
    return Command(
        argv=(
            visit.program,
            "--kimg", str(visit.image),
            "--mods", "auto" if visit.modules else "none",
            "--qemu-bin", visit.qemu,
            "--force-9p",
            "--disable-microvm",
            *(() if visit.lbr_format else ("--disable-kvm",)),
            "--show-boot-console",
            "--cpus", "1",
            "--memory", str(settings.memory),
            "--user", "root",
            *(word for layer in visit.layers for word in ("--overlay-rwdir", layer)),
            "--rwdir", f"{SHARE}={visit.share}",
            *(word for option in kernel for word in ("--kopt", option)),
            "--script-sh", f"sh {SHARE}/errand.sh",
            "--qemu-opts",
            *_qemu_words(settings, visit),
        ),
        log="vm",
        hint="Install virtme-ng (Arch: virtme-ng; Debian 13: virtme-ng).",
    )  # fmt: skip


def _qemu_words(settings: VmSettings, visit: Visit) -> tuple[str, ...]:
    """Return what is said to QEMU itself.

    The virtual LBR needs TCG and one thread. Time passes with instructions, as on a processor of one a
    nanosecond, so that timers interrupt no more often than there; while the guest waits, with the
    host's clock.
    """
    if visit.lbr_format:
        return ("-cpu", f"host,pmu=on,lbr-fmt={visit.lbr_format:#x}")
    return (
        "-accel", "tcg,thread=single",
        "-cpu", settings.cpu,
        "-icount", "shift=0,sleep=on",
        "-plugin", visit.plugin,
    )  # fmt: skip
