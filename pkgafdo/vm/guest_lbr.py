"""Whether a guest can have the processor's own LBR: Intel's older kind, which KVM passes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.runner.base import Runner

_IMPOSSIBLE: Final = 0x3F
"""The format of architectural LBR, which KVM does not pass on (IA32_PERF_CAPABILITIES, bits 0 to 5)."""
_HOST_VALUE: Final = re.compile(r"does not match the host value \((0x[0-9a-fA-F]+)\)")


def lbr_probe_command(qemu: str) -> Command:
    """Return the command that makes QEMU (since 7.1) say which format of LBR KVM offers to guests."""
    return Command(
        argv=(
            qemu, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
            "-M", "pc",
            "-accel", "kvm",
            "-cpu", f"host,pmu=on,lbr-fmt={_IMPOSSIBLE:#x}",
            "-m", "16",
        ),
        accept=frozenset(range(256)),
        timeout=5,
        hint="Install QEMU (Arch: qemu-system-x86; Debian: qemu-system-x86).",
    )  # fmt: skip


def parse_lbr_format(stderr: str) -> int:
    """Read the format that KVM offers out of QEMU's refusal of another one; 0: none; pure."""
    found = _HOST_VALUE.search(stderr)
    return int(found.group(1), 16) if found else 0


def probe_lbr_format(runner: Runner, qemu: str) -> int:
    """Return the LBR format that KVM offers to guests here, 0 when it offers none."""
    return parse_lbr_format(runner.query(lbr_probe_command(qemu)).stderr)
