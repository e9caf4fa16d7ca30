"""Which kernel runs now, known by its build-id and not by its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pkgafdo import elf
from pkgafdo.errors import HostError, WaitingError


@dataclass(frozen=True, kw_only=True, slots=True)
class BootedKernel:
    """A kernel that runs, or that should: `uname -r` and its GNU build-id in hex."""

    release: str
    build_id: str


def running_build_id(filesystem: Path = Path("/")) -> str:
    """Return the build-id of the running kernel, from the notes that it shows in sysfs.

    Raises HostError where there is none: /sys is not mounted, or the kernel was linked without.
    """
    path = filesystem / "sys/kernel/notes"
    try:
        found = elf.build_id_of(elf.parse_notes(path.read_bytes()))
    except OSError as error:
        raise HostError(
            "the running kernel does not show its build-id",
            details=f"{path}: {error.strerror or error}",
            hint="Mount /sys; in a container, work on the host itself.",
        ) from error
    if found is None:
        raise HostError(
            "the running kernel has no build-id",
            details=f"{path} holds no GNU build-id.",
            hint="Boot a kernel that was linked with --build-id, as all recent ones are.",
        )
    return found


def running_kernel(filesystem: Path = Path("/")) -> BootedKernel:
    """Return the running kernel; raises HostError as `running_build_id` does."""
    return BootedKernel(release=os.uname().release, build_id=running_build_id(filesystem))


def other_kernel_runs(running: BootedKernel, expected: BootedKernel) -> str | None:
    """Return a sentence when another kernel runs than the expected one; pure."""
    if running.build_id == expected.build_id:
        return None
    if running.release == expected.release:
        return (
            f"another build of {running.release} runs (build-id {_short(running)}, "
            f"{_short(expected)} is expected): install the packages again and reboot into it"
        )
    return (
        f"{running.release} runs (build-id {_short(running)}), not {expected.release} "
        f"({_short(expected)}): reboot and choose that entry in the boot menu"
    )


def require_running_kernel(expected: BootedKernel, *, filesystem: Path = Path("/")) -> None:
    """Raise WaitingError, with one sentence, unless the expected kernel is the one that runs.

    Raises HostError as `running_build_id` does.
    """
    sentence = other_kernel_runs(running_kernel(filesystem), expected)
    if sentence is not None:
        raise WaitingError(
            sentence, hint="Then give the same command again; it goes on from where it was."
        )


def _short(kernel: BootedKernel) -> str:
    return kernel.build_id[:12] or "unknown"
