"""What a user may ask of the virtual machine and of the workload in it."""

from __future__ import annotations

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class VmSettings:
    """The virtual machine that kernels are recorded and measured in."""

    qemu: str = "qemu-system-x86_64"
    """The QEMU program; it must support TCG plugins."""
    cpu: str = "max"
    """The emulated CPU model (`qemu-system-x86_64 -cpu help`); the kernel's alternatives follow it."""
    memory: int = Field(default=1024, ge=256, le=65536)
    """The guest's memory in MiB."""
    modules: tuple[str, ...] = ("ext4", "brd")
    """Modules that the guest loads, with what they need; those built in or absent are passed over."""
    timeout: int = Field(default=900, ge=10)
    """Seconds after which a guest that has not finished is ended."""


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class WorkloadSettings:
    """What runs in the guest while branches are recorded."""

    suite: str = "train"
    """A shipped suite; `pkgafdo record --list` shows them."""
    command: str = ""
    """An own workload instead: a shell command line that the guest runs as root."""
    files: tuple[str, ...] = ()
    """Programs and files of this machine that the command needs; libraries follow by themselves."""
    step_timeout: int = Field(default=120, ge=1)
    """Seconds of guest time (one per 10⁹ instructions) after which a step is killed."""

    @model_validator(mode="after")
    def _files_go_with_a_command(self) -> WorkloadSettings:
        if self.files and not self.command:
            raise ValueError("files belong to a command of your own; there is none")
        if "\0" in self.command or any("\0" in name or "\n" in name for name in self.files):
            raise ValueError("commands and file names hold no zero bytes or line ends")
        return self
