"""Whether KVM really runs a guest: a /dev/kvm that is there may still be of no use."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.runner.base import Runner


class KvmState(StrEnum):
    """What KVM is good for."""

    WORKS = "works"
    ABSENT = "absent"
    CLOSED = "closed to this user"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kvm:
    """What was found out about KVM; evidence is what QEMU said."""

    state: KvmState
    evidence: str = ""


_ROM_SIZE: Final = 1 << 16
_PORT: Final = 0xF4
_VALUE: Final = 0x10
_EXIT: Final = _VALUE << 1 | 1
"""QEMU's exit code when a guest writes _VALUE to isa-debug-exit (hw/misc/debugexit.c)."""
_CODE: Final = bytes((0xB0, _VALUE, 0xE6, _PORT, 0xF4))
"""mov al, _VALUE; out _PORT, al; hlt"""
_RESET_VECTOR: Final = _ROM_SIZE - 16
"""An x86 processor begins 16 bytes below the end of its firmware."""
_SECONDS: Final = 2.0


def rom() -> bytes:
    """Return a firmware that ends the virtual machine with its first instructions."""
    return bytes(_RESET_VECTOR) + _CODE.ljust(16, b"\xf4")


def kvm_command(qemu: str, firmware: Path) -> Command:
    """Return the command that runs the tiny guest under KVM; any exit code is an answer."""
    return Command(
        argv=(
            qemu, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
            "-M", "pc",
            "-accel", "kvm",
            "-cpu", "host",
            "-m", "16",
            "-device", f"isa-debug-exit,iobase={_PORT:#x},iosize=1",
            "-bios", str(firmware),
        ),
        accept=frozenset(range(256)),
        timeout=_SECONDS,
        hint="Install QEMU (Arch: qemu-system-x86; Debian: qemu-system-x86).",
    )  # fmt: skip


def probe_kvm(runner: Runner, *, qemu: str, filesystem: Path = Path("/")) -> Kvm:
    """Find out whether KVM runs a guest of five bytes, within two seconds."""
    device = filesystem / "dev/kvm"
    if not device.exists():
        return Kvm(state=KvmState.ABSENT)
    if not os.access(device, os.R_OK | os.W_OK):
        mode = stat.filemode(device.stat().st_mode)
        return Kvm(state=KvmState.CLOSED, evidence=f"{device} is {mode}")
    with tempfile.TemporaryDirectory(prefix="pkgafdo-") as folder:
        firmware = Path(folder) / "exit.rom"
        firmware.write_bytes(rom())
        try:
            result = runner.query(kvm_command(qemu, firmware))
        except (CommandError, HostError) as error:
            return Kvm(state=KvmState.BROKEN, evidence=_first_line(error.message, error.details))
    if result.returncode == _EXIT:
        return Kvm(state=KvmState.WORKS)
    why = f"QEMU ended with exit code {result.returncode}"
    return Kvm(state=KvmState.BROKEN, evidence=_first_line(why, result.stderr))


def _first_line(what: str, text: str) -> str:
    line = text.strip().partition("\n")[0]
    return f"{what}: {line}" if line else what
