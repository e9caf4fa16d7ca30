"""What a run waits for, kept in its work folder, and where that stands now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files
from pkgafdo.host import installed
from pkgafdo.host.running import BootedKernel, other_kernel_runs, running_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = "waiting.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A run that waits for a kernel to be booted.

    entry is the boot entry that was set for one boot (empty: none); boot the identity of the boot in
    which that was done.
    """

    release: str
    build_id: str
    pkgbase: str
    boot: str
    entry: str
    loader: str
    sentence: str

    @property
    def expected(self) -> BootedKernel:
        """The kernel that must run."""
        return BootedKernel(release=self.release, build_id=self.build_id)


def write_waiting(workdir: Path, waiting: Waiting) -> None:
    """Write down what a run waits for, by rename."""
    files.write_json(workdir / _FILE, asdict(waiting))


def read_waiting(workdir: Path) -> Waiting | None:
    """Return what a run waits for; None when it does not, or a power cut left nothing readable."""
    try:
        return Waiting(**files.read_json(workdir / _FILE))
    except (OSError, ValueError, TypeError):
        return None


def forget(workdir: Path) -> None:
    """Remember that nothing is waited for any more."""
    (workdir / _FILE).unlink(missing_ok=True)


def describe_waiting(waiting: Waiting, running: BootedKernel, boot: str) -> str:
    """Return in one sentence where a waiting run stands now; pure."""
    sentence = other_kernel_runs(running, waiting.expected)
    if sentence is None:
        return f"{waiting.release} runs, as expected: give the same command again to go on"
    if boot != waiting.boot:
        return f"since the run stopped the machine was booted, but {sentence}"
    return f"waiting for you: {waiting.sentence}"


def status_of(workdir: Path, *, filesystem: Path = Path("/")) -> Mapping[str, Any] | None:
    """Return what a run waits for and where that stands, JSON-plain; None when it does not wait."""
    waiting = read_waiting(workdir)
    if waiting is None:
        return None
    running = running_kernel(filesystem)
    boot = installed.boot_identity(filesystem)
    return {
        "release": waiting.release,
        "build_id": waiting.build_id,
        "running": running.release,
        "ready": running.build_id == waiting.build_id,
        "entry": waiting.entry,
        "sentence": describe_waiting(waiting, running, boot),
    }
